(* Bodies on Tokio's threads, [#[func(tokio)]] and [#[func(blocking)]]: OCaml sees functions like any other. *)

open Lwt.Syntax
open Law
open Probe

type endless = Rust_half.endless = Nothing | TokioTimer | Promise | ProtectedPromise | Task | TokioTask | Yields

let error_at_home = Rust_half.Endings.endings_error
let error_on_workers = Rust_half.On_tokio.on_tokio_error_on_workers
let error_blocking = Rust_half.On_tokio.on_tokio_error_blocking
external ocaml_error_at_home : int -> exn -> bool -> int Lwt.t = "interop_tests__endings_ocaml_error"
let ocaml_error_on_workers = Rust_half.On_tokio.on_tokio_ocaml_error_on_workers
let ocaml_error_blocking = Rust_half.On_tokio.on_tokio_ocaml_error_blocking
let ocaml_error_with_a_value = Rust_half.On_tokio.on_tokio_ocaml_error_with_a_value
let result_at_home = Rust_half.Endings.endings_result
let result_on_workers = Rust_half.On_tokio.on_tokio_result_on_workers
let result_blocking = Rust_half.On_tokio.on_tokio_result_blocking
let pass_on_workers = Rust_half.On_tokio.on_tokio_pass_on_workers
let pass_blocking = Rust_half.On_tokio.on_tokio_pass_blocking
let panic_at_home = Rust_half.Endings.endings_panic
let panic_on_workers = Rust_half.On_tokio.on_tokio_panic_on_workers
let panic_blocking = Rust_half.On_tokio.on_tokio_panic_blocking
let panic_line = Rust_half.Endings.endings_panic_line
let unspeakable = Rust_half.On_tokio.on_tokio_unspeakable
let text_on_workers = Rust_half.On_tokio.on_tokio_text_on_workers
let text_blocking = Rust_half.On_tokio.on_tokio_text_blocking
let nothing_on_workers = Rust_half.On_tokio.on_tokio_nothing_on_workers
let nothing_blocking = Rust_half.On_tokio.on_tokio_nothing_blocking
let home_on_workers = Rust_half.On_tokio.on_tokio_home_on_workers
let home_blocking = Rust_half.On_tokio.on_tokio_home_blocking

let seven = Rust_half.On_tokio.seven

let endless = Rust_half.On_tokio.on_tokio_endless
let detached = Rust_half.On_tokio.on_tokio_detached
let yields = Rust_half.On_tokio.on_tokio_yields
let gate_close = Rust_half.On_tokio.on_tokio_gate_close
let gate_open = Rust_half.On_tokio.on_tokio_gate_open
let gate_passed = Rust_half.On_tokio.on_tokio_gate_passed
let gate_on_workers = Rust_half.On_tokio.on_tokio_gate_on_workers
let gate_blocking = Rust_half.On_tokio.on_tokio_gate_blocking

let kinds = [ "on_workers"; "on_workers_after_a_yield"; "blocking" ]

(* One law for each kind, of a function that is the same three times. *)
let for_kinds law_ on_workers blocking program =
  List.map2
    (fun kind f -> law (law_ ^ "/" ^ kind) (fun () -> program f))
    kinds
    [ on_workers false; on_workers true; blocking ]

(* Endings: those of the same body at home, whose laws are in test_endings.ml. *)

let describe = function
  | Ok value -> "value " ^ value
  | Error (Rust_async.Rust_panic { message; location }) -> Printf.sprintf "panic %s at %s" message location
  | Error exn -> "exception " ^ Printexc.to_string exn

let same_ending name show at_home on_workers blocking which =
  for_kinds
    (Printf.sprintf "%s_%s_ends_as_at_home" name which)
    (fun yields () -> on_workers yields)
    blocking
    (fun elsewhere ->
      let* here = ending (at_home ()) in
      let* there = ending (elsewhere ()) in
      let describe ending = describe (Result.map show ending) in
      check_string "the ending" (describe here) (describe there);
      Lwt.return_unit)

let endings =
  let errors =
    List.concat_map
      (fun which ->
        same_ending "error" string_of_int
          (fun () -> error_at_home which false)
          (fun yields -> error_on_workers which yields)
          (fun () -> error_blocking which)
          (string_of_int which))
      [ 0; 1; 2; 3 ]
  and ocaml_errors =
    List.concat_map
      (fun which ->
        same_ending "error_of_ocaml_rs" string_of_int
          (fun () -> ocaml_error_at_home which Exit false)
          (fun yields -> ocaml_error_on_workers which yields)
          (fun () -> ocaml_error_blocking which)
          (string_of_int which))
      [ 0; 1; 2; 3; 4; 5; 6; 7; 8; 10; 11; 12; 13 ]
  and results =
    let show = function Ok n -> "Ok " ^ string_of_int n | Error text -> "Error " ^ text in
    List.concat_map
      (fun ok ->
        same_ending "result" show
          (fun () -> result_at_home ok false)
          (fun yields -> result_on_workers ok yields)
          (fun () -> result_blocking ok)
          (string_of_bool ok))
      [ true; false ]
  and panics =
    List.concat_map
      (fun which ->
        same_ending "panic"
          (fun () -> "()")
          (fun () -> panic_at_home which false)
          (fun yields -> panic_on_workers which yields)
          (fun () -> panic_blocking which)
          (string_of_int which))
      [ 0; 1; 2; 3; 4; 5; 6 ]
  in
  List.concat
    [
      errors; ocaml_errors; results; panics;
      for_kinds "panic_has_its_place" (fun yields () -> panic_on_workers 0 yields) (fun () -> panic_blocking 0)
        (fun panic ->
          let* ending = ending (panic ()) in
          let place = Printf.sprintf "panic plain text at test/src/endings.rs:%d:" (now (panic_line ())) in
          let seen = describe (Result.map (fun () -> "()") ending) in
          check_bool seen true (starts_with ~prefix:place seen);
          Lwt.return_unit);
      for_kinds "exception_of_a_callback_comes_back" (fun yields f -> pass_on_workers f yields) pass_blocking (fun pass ->
          let sent = Refused "there and back" in
          let* ending = ending (pass (fun () -> Lwt.bind (Lwt.pause ()) (fun () -> Lwt.fail sent))) in
          check_bool "the same" true (match ending with Error exn -> exn == sent | Ok _ -> false);
          Lwt.return_unit);
      [
        law "error_with_a_value_of_ocamls_is_misuse" (fun () ->
            let+ ending = ending (ocaml_error_with_a_value ()) in
            check_bool "misuse" true (match ending with Error (Rust_async.Misuse _) -> true | _ -> false));
        law "panic_in_the_text_of_an_error_is_a_panic" (fun () ->
            let+ ending = ending (unspeakable ()) in
            let seen = describe (Result.map (fun () -> "()") ending) in
            check_bool seen true (starts_with ~prefix:"panic in its text at test/src/on_tokio.rs:" seen));
      ];
    ]
[@@ocamlformat "disable"]

(* Where the body runs, and what crosses. *)

let rec repeat n program = if n = 0 then Lwt.return_unit else Lwt.bind (program ()) (fun () -> repeat (n - 1) program)

(* However fast the body is: [between] gives it all the time it needs. *)
let pending name call between =
  law ("call_gives_a_pending_promise/" ^ name) (fun () ->
      repeat 300 (fun () ->
          let promise = call () in
          between ();
          check_bool "pending" true (Lwt.is_sleeping promise);
          promise))

let crossings =
  List.concat
    [
      for_kinds "value_crosses" (fun yields text -> text_on_workers text yields) text_blocking (fun cross ->
          now (begin_ ());
          let text = String.make 500 't' in
          let* back = cross text in
          check_string "the text" text back;
          Lwt.return_unit);
      for_kinds "argument_that_does_not_convert_raises" (fun yields text -> text_on_workers text yields) text_blocking
        (fun cross ->
          (match cross "\xff" with
          | (_ : string Lwt.t) -> Alcotest.fail "accepted"
          | exception Invalid_argument message ->
              check_bool message true (contains ~part:": argument 1 (text): not valid UTF-8" message));
          Lwt.return_unit);
      for_kinds "executor_of_the_caller_is_known" (fun _ -> home_on_workers) home_blocking (fun home ->
          let+ n = home (fun n -> n + 1) in
          check_int "value" 42 n);
      [
        law "future_runs_on_workers" (fun () ->
            now (begin_ ());
            let* _ = text_on_workers "text" true in
            check (Exactly (2, 1)));
        law "arguments_of_bytecode_cross" (fun () -> Lwt.map (check_int "sum" 28) (seven 1 2 3 4 5 6 7));
        pending "on_workers" nothing_on_workers ignore;
        pending "on_workers_and_waiting_for_it" nothing_on_workers (fun () -> Unix.sleepf 0.0001);
        pending "blocking" nothing_blocking ignore;
        pending "blocking_and_waiting_for_it" nothing_blocking (fun () -> Unix.sleepf 0.0001);
        law "thousand_calls_at_once_all_end" (fun () ->
            let all = List.init 1000 (fun i -> yields (i mod 5)) in
            let+ values = Lwt.all all in
            check_bool "values" true (values = List.init 1000 (fun i -> i mod 5)));
      ];
    ]
[@@ocamlformat "disable"]

(* The loop turns while bodies block their threads, and these do not wait for each other. *)

let began n = eventually "bodies that began" (fun () -> string_of_int (fst (now (gate_passed ())))) (string_of_int n)
let ended () = snd (now (gate_passed ()))

let beside =
  let many = 40 in
  [
    law "lwt_goes_on_beside_a_body_on_a_worker" (fun () ->
        now (gate_close ());
        now (begin_ ());
        let promise = gate_on_workers () in
        let* () = began 1 in
        now (gate_open ());
        Lwt.map (check_int "value" 7) promise);
    law "blocking_calls_do_not_wait_for_each_other" (fun () ->
        now (gate_close ());
        let all = List.init many (fun _ -> gate_blocking ()) in
        let* () = began many in
        check_int "ended" 0 (ended ());
        now (gate_open ());
        let+ values = Lwt.all all in
        check_int "values" (7 * many) (List.fold_left ( + ) 0 values));
  ]

(* Cancellation. *)

let is_canceled promise = match Lwt.state promise with Lwt.Fail Lwt.Canceled -> true | _ -> false

let ways =
  [
    ("by_lwt_cancel", fun promise -> Lwt.return (Lwt.cancel promise));
    ("by_a_later_lwt_cancel", fun promise -> Lwt.map (fun () -> Lwt.cancel promise) (Lwt_unix.sleep 0.002));
    ("by_lwt_pick", fun promise -> Lwt.pick [ promise; Lwt.pause () ]);
    ( "by_with_timeout",
      fun promise ->
        Lwt.catch
          (fun () -> Lwt_unix.with_timeout 0.002 (fun () -> promise))
          (function Lwt_unix.Timeout -> Lwt.return_unit | exn -> Lwt.fail exn) );
  ]

let what_waits =
  [
    (Nothing, "for_nothing"); (TokioTimer, "for_a_tokio_timer"); (Promise, "for_a_promise");
    (ProtectedPromise, "for_a_protected_promise"); (TokioTask, "for_a_tokio_task"); (Yields, "for_its_next_turn");
  ]
[@@ocamlformat "disable"]

(* Until it is polled: a cancellation that comes before finds nothing to drop, see below. *)
let polled () =
  let read () =
    let polls, _, _, _ = read_counts () in
    if polls > 0 then "polled" else "not polled"
  in
  eventually "the future" read "polled"

let dropped () =
  let read () =
    let _, _, drops, misplaced = read_counts () in
    Printf.sprintf "%d drops, %d misplaced" drops misplaced
  in
  eventually "the future" read "1 drops, 0 misplaced"

let drops =
  List.concat_map
    (fun (way, cancel) ->
      List.map
        (fun (what, waits) ->
          law (String.concat "/" [ "cancelled_promise_drops_future_on_a_worker"; waits; way ]) (fun () ->
              now (begin_ ());
              let awaited = ref None in
              let promise =
                endless what (fun () ->
                    let promise = fst (Lwt.task ()) in
                    awaited := Some promise;
                    promise)
              in
              let* () = polled () in
              let* () =
                match what with
                | Promise | ProtectedPromise ->
                    eventually "the call" (fun () -> string_of_bool (!awaited <> None)) "true"
                | _ -> Lwt.return_unit
              in
              let* () = cancel promise in
              check_bool "canceled" true (is_canceled promise);
              let* () = dropped () in
              match (what, !awaited) with
              | Promise, Some awaited ->
                  eventually "the promise" (fun () -> string_of_bool (is_canceled awaited)) "true"
              | ProtectedPromise, Some awaited ->
                  let* () = Lwt_unix.sleep 0.002 in
                  check_bool "pending" true (Lwt.is_sleeping awaited);
                  Lwt.return_unit
              | _ -> Lwt.return_unit))
        what_waits)
    ways

let cancels =
  [
    law "future_that_is_cancelled_while_it_runs_is_dropped_at_its_next_await" (fun () ->
        now (gate_close ());
        now (begin_ ());
        let promise = gate_on_workers () in
        let* () = began 1 in
        Lwt.cancel promise;
        check_bool "canceled" true (is_canceled promise);
        let _, _, drops, _ = read_counts () in
        check_int "drops" 0 drops;
        now (gate_open ());
        let* () = dropped () in
        check_int "ended" 0 (ended ());
        Lwt.return_unit);
    law "cancelled_call_that_blocks_ends_unheard" (fun () ->
        now (gate_close ());
        let promise = gate_blocking () in
        let* () = began 1 in
        Lwt.cancel promise;
        check_bool "canceled" true (is_canceled promise);
        let* () = Lwt.pause () in
        check_int "ended" 0 (ended ());
        now (gate_open ());
        let* () = eventually "bodies that ended" (fun () -> string_of_int (ended ())) "1" in
        let* () = Lwt.pause () in
        check_bool "still canceled" true (is_canceled promise);
        Lwt.return_unit);
    law "detached_future_runs_on" (fun () ->
        now (gate_close ());
        now (begin_ ());
        let resume, resumer = Lwt.wait () and called = ref false in
        let promise =
          detached (fun () ->
              called := true;
              resume)
        in
        let* () = eventually "the call" (fun () -> string_of_bool !called) "true" in
        Lwt.cancel promise;
        check_bool "canceled" true (is_canceled promise);
        let* () = Lwt.pause () in
        let _, _, drops, _ = read_counts () in
        check_int "drops" 0 drops;
        Lwt.wakeup resumer ();
        let* () = eventually "bodies that ended" (fun () -> string_of_int (ended ())) "1" in
        let* () = dropped () in
        check_bool "still canceled" true (is_canceled promise);
        Lwt.return_unit);
    law "settled_promise_is_not_cancelled" (fun () ->
        let promise = yields 3 in
        let* _ = promise in
        Lwt.cancel promise;
        Lwt.map (check_int "value" 3) promise);
  ]

(* Cancelled before it begins, while it runs, while its value is on the way, or after. *)
let races =
  let race (name, call) =
    law ("racing_cancels_leave_nothing/" ^ name) (fun () ->
        let rec turns n = if n = 0 then Lwt.return_unit else Lwt.bind (Lwt.pause ()) (fun () -> turns (n - 1)) in
        let one i =
          let promise = call (i mod 4) in
          let* () = turns (i mod 7) in
          if i land 8 = 0 then for _ = 0 to i land 0xff do ignore (Sys.opaque_identity (ref i)) done;
          if i mod 5 > 0 then Lwt.cancel promise;
          let+ ending = ending promise in
          match ending with
          | Ok () -> 0
          | Error Lwt.Canceled -> 1
          | Error exn -> raise exn
        in
        let rec rounds i cancelled =
          if i >= 5000 then Lwt.return cancelled
          else
            let* all = Lwt.all (List.init 10 (fun j -> one (i + j))) in
            rounds (i + 10) (List.fold_left ( + ) cancelled all)
        in
        let+ cancelled = rounds 0 0 in
        check_bool "some" true (cancelled > 0))
  in
  List.map race
    [
      ("on_workers", fun n -> Lwt.map ignore (yields n));
      ("blocking", fun _ -> nothing_blocking ());
    ]
[@@ocamlformat "disable"]

let () =
  Alcotest.run "on_tokio"
    [
      ("endings", endings);
      ("crossings", crossings);
      ("beside Lwt", beside);
      ("cancellation: drops", drops);
      ("cancellation", cancels);
      ("races", races);
    ]
