(* 2 directions x 4 endings x 5 places x what is waited for: each is a law. The tables are the lists below. *)

open Lwt.Syntax
open Probe

type ending = Rust_half.ending = Value | Error | Panic | Dropped

let function_ = Rust_half.Matrix.matrix_function
let resolver = Rust_half.Matrix.matrix_resolver
let promise = Rust_half.Matrix.matrix_promise
let call = Rust_half.Matrix.matrix_call
let panicked = Rust_half.Matrix.matrix_panicked
let broken = Rust_half.Matrix.matrix_broken
let tokio_nap = Rust_half.Matrix.matrix_tokio_nap

exception Probed of string

let () = Printexc.register_printer (function Probed text -> Some ("Probed " ^ text) | _ -> None)

(* How an ending looks in OCaml. Settled once: a second time would be an [Invalid_argument] of Lwt's. *)
let words = function
  | Ok value -> Printf.sprintf "value %d" value
  | Error (Rust_async.Rust_error { message; causes }) -> String.concat ", because " (("error " ^ message) :: causes)
  | Error (Rust_async.Rust_panic { message; location = _ }) -> "panic " ^ message
  | Error Rust_async.Broken_promise -> "broken promise"
  | Error exn -> "exception " ^ Printexc.to_string exn

let check_ending expected promise =
  let settled = ref 0 in
  Lwt.on_any promise (fun _ -> incr settled) (fun _ -> incr settled);
  let* ending = Law.ending promise in
  Law.check_string "the ending" expected (words ending);
  (* Lwt promises no order among callbacks. *)
  let* () = Lwt.pause () in
  Law.check_int "settled" 1 !settled;
  Lwt.return ending

let name law place wait = String.concat "/" [ law; in_place place; after wait ]
let table rows columns law = List.concat_map (fun row -> List.map (law row) columns) rows

let product places waits =
  List.concat_map (fun place -> List.map (fun wait -> (place, wait)) waits) places

(* rust_to_lwt: the functions of Rust. *)

let woken = function
  | At_once -> Exactly (1, 0)
  | Yield -> Exactly (2, 1)
  | Lwt_timer | Tokio_timer | Tokio_task | Plain_thread -> Raced 1

let work place wait =
  match (place, wait) with
  (* Only the loop resolves it, and the loop does not turn before the poll is over. *)
  | Domain, Lwt_timer -> Exactly (2, 1)
  | _ -> woken wait

(* The aborted task runs on the domain thread, and is polled at once, if at all. *)
let aborted place wait =
  match (place, wait) with
  | Domain, (Yield | Lwt_timer) -> Exactly (1, 0)
  | _ -> Never_woken 1

let panic_of_function = function
  | Domain | Tokio | Blocking_pool -> "panic the probe panicked"
  | Thread | Rayon -> "panic the thread panicked: RecvError(())"

let functions =
  let rows =
    [
      (Value, "returned_value_fulfils_promise", (fun _ -> "value 42"), work);
      (Error, "returned_error_rejects_promise", (fun _ -> "error the probe failed, because disk on fire"), work);
      (Panic, "panic_rejects_promise", panic_of_function, work);
      (Dropped, "aborted_task_breaks_promise", (fun _ -> "broken promise"), aborted);
    ]
  and columns = product places [ At_once; Yield; Tokio_timer; Lwt_timer; Tokio_task; Plain_thread ] in
  table rows columns (fun (ending, law, expected, counts) (place, wait) ->
      Law.law (name law place wait) (fun () ->
          Law.now (begin_ ());
          let* _ = check_ending (expected place) (function_ place wait ending nap) in
          check (counts place wait)))

(* rust_to_lwt: the promises that Rust made. *)

(* A panic in a detached task of the domain's is told to Lwt's hook; Tokio and threads print theirs. *)
let expected_of_hook ending place =
  match (ending, place) with Panic, Domain -> "Rust_async.Rust_panic: the probe panicked, at test/src/matrix.rs" | _ -> ""

let resolvers =
  let rows =
    [
      (Value, "resolved_resolver_fulfils_promise", "value 42");
      (Error, "rejected_resolver_rejects_promise", "error the probe failed, because disk on fire");
      (Panic, "panic_with_a_resolver_breaks_promise", "broken promise");
      (Dropped, "dropped_resolver_breaks_promise", "broken promise");
    ]
  and columns = product places [ At_once; Yield; Tokio_timer; Lwt_timer ] in
  table rows columns (fun (ending, law, expected) (place, wait) ->
      Law.law (name law place wait) (fun () ->
          Law.now (begin_ ());
          Law.with_async_hook (fun told ->
              let* _ = check_ending expected (Law.now (resolver place wait ending nap)) in
              let* () = check (work place wait) in
              let expected = expected_of_hook ending place in
              let read () = if Law.starts_with ~prefix:expected (told ()) then expected else told () in
              Law.eventually "the hook" read expected)))

(* lwt_to_rust: promises and functions of OCaml's. *)

let waited = function
  | At_once | Tokio_task | Plain_thread -> Lwt.return_unit
  | Yield -> Lwt.pause ()
  | Tokio_timer -> tokio_nap ()
  | Lwt_timer -> nap ()

let exn = Probed "by a law"

let source ending wait =
  let finish () =
    match ending with
    | Value -> Lwt.return 42
    | Error -> Lwt.fail exn
    | Panic -> panicked ()
    | Dropped -> Law.now (broken ())
  in
  match wait with At_once -> finish () | _ -> Lwt.bind (waited wait) finish

(* In Rust an ending of OCaml's is a value or an exception; OCaml gets that same exception back. *)
let awaited =
  [
    (Value, "fulfilled_promise_is_value_future", "value 42", "value 42");
    (Error, "rejected_promise_is_error_future", "exception Probed by a law", "exception Probed by a law");
    ( Panic,
      "panicked_promise_is_error_future",
      "panic the source panicked",
      "exception Rust_async.Rust_panic: the source panicked, at test/src/matrix.rs" );
    (Dropped, "broken_promise_is_error_future", "broken promise", "exception Rust_async.Broken_promise");
  ]

let check_awaited ~expected ~saw:expected_in_rust ~counts ~source promise =
  let* ending = check_ending expected promise in
  let* () = check counts in
  Law.check_bool "as Rust saw it" true (Law.starts_with ~prefix:expected_in_rust (Law.now (saw ())));
  let+ source = Law.ending source in
  match (source, ending) with
  | Result.Error sent, Result.Error came -> Law.check_bool "the same exception" true (sent == came)
  | _ -> ()

let awaiting place sleeping =
  match (place, sleeping) with
  | Domain, true -> Exactly (2, 1)
  | Domain, false -> Exactly (1, 0)
  | _ -> Raced 1

let promises =
  table awaited (product places [ At_once; Yield; Tokio_timer; Lwt_timer ])
    (fun (ending, law, expected, saw) (place, wait) ->
      Law.law (name law place wait) (fun () ->
          Law.now (begin_ ());
          let source = source ending wait in
          let counts = awaiting place (Lwt.is_sleeping source) in
          check_awaited ~expected ~saw ~counts ~source (promise place source)))

let calls =
  table awaited (product places [ At_once; Yield; Tokio_timer; Lwt_timer ])
    (fun (ending, law, expected, saw) (place, wait) ->
      Law.law (name ("called_" ^ law) place wait) (fun () ->
          Law.now (begin_ ());
          let returned, note = Lwt.wait () in
          let sleeping = ref false in
          let result =
            call place (fun argument ->
                Law.check_int "the argument" 42 argument;
                let source = source ending wait in
                sleeping := Lwt.is_sleeping source;
                Lwt.wakeup note source;
                source)
          in
          let* () = Lwt.map ignore (Law.ending result) in
          let source = Lwt.bind returned Fun.id in
          check_awaited ~expected ~saw ~counts:(awaiting place !sleeping) ~source result))

let () =
  Alcotest.run "matrix"
    [
      ("rust_to_lwt: functions", functions);
      ("rust_to_lwt: resolvers", resolvers);
      ("lwt_to_rust: promises", promises);
      ("lwt_to_rust: functions", calls);
    ]
