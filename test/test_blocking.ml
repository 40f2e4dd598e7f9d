(* OCaml functions that return their value at once, called from every place: at home, and on blocking threads,
   where they may block. *)

open Lwt.Syntax
open Law
open Probe

type way = Rust_half.way_to_block = AtHome | Blocking

let call = Rust_half.Blocking.blocking_call
let text = Rust_half.Blocking.blocking_text
external any : way -> place -> ('a -> 'a) -> 'a -> 'a Lwt.t = "interop_tests__blocking_any"
external local : way -> ('a -> 'a) -> 'a -> 'a Lwt.t = "interop_tests__blocking_local"

let twelve = Rust_half.Blocking.blocking_twelve

let unit = Rust_half.Blocking.blocking_unit
let refused_value = Rust_half.Blocking.blocking_refused_value
let bomb = Rust_half.Blocking.blocking_bomb
let first_poll = Rust_half.Blocking.blocking_first_poll
let give_up = Rust_half.Blocking.blocking_give_up
let many = Rust_half.Blocking.blocking_many
external race : way -> int -> ('a -> 'a) -> 'a -> 'a option Lwt.t = "interop_tests__blocking_race"
let as_lwt = Rust_half.Blocking.blocking_lwt
let on_tokio = Rust_half.Blocking.blocking_on_tokio

let here () = Thread.id (Thread.self ())
let way_name = function AtHome -> "at_home" | Blocking -> "as_a_blocking_call"
let ways = [ AtHome; Blocking ]

(* A law for each way and place. *)
let everywhere name program =
  List.concat_map
    (fun way ->
      List.map
        (fun place -> law (String.concat "/" [ name; way_name way; in_place place ]) (fun () -> program way place))
        places)
    ways
[@@ocamlformat "disable"]

let each_way name program = List.map (fun way -> law (name ^ "/" ^ way_name way) (fun () -> program way)) ways
let blocking_call name program = law (name ^ "/as_a_blocking_call") program

(* Values. *)

let values =
  List.concat
    [
      everywhere "value_of_a_function_comes_back" (fun way place ->
          now (begin_ ());
          let* value = call way place (fun n -> n + 1) in
          check_int "value" 42 value;
          check_string "Rust saw" "value 42" (now (saw ()));
          check (match (way, place) with AtHome, Domain -> Exactly (1, 0) | _ -> Raced 1));
      everywhere "function_runs_where_it_is_to_run" (fun way place ->
          let home = here () and ran = ref 0 in
          let+ () = unit way place (fun () -> ran := here ()) in
          check_bool "at home" (way = AtHome) (!ran = home));
      everywhere "values_of_the_heap_cross" (fun way place ->
          let long = String.make 500 't' in
          let+ came = text way place (fun text list -> List.map (( ^ ) text) list) long in
          check_bool "the same" true (came = List.init 5 (fun _ -> long ^ long)));
      everywhere "value_that_passes_through_is_the_same" (fun way place ->
          let value = ref 7 in
          let+ came = any way place Sys.opaque_identity value in
          check_bool "the same" true (came == value));
      each_way "value_that_is_not_send_crosses_at_home" (fun way ->
          let value = ref 7 in
          let+ came = local way Sys.opaque_identity value in
          check_bool "the same" true (came == value));
      everywhere "function_has_up_to_twelve_arguments" (fun way place ->
          let f a b c d e f g h i j k l =
            String.concat " " [ string_of_int (a + c + e + g + i + k); b; d; f; h; j; l ]
          in
          Lwt.map (check_string "value" "36 b d f h j l") (twelve way place f));
      everywhere "partial_application_is_a_function" (fun way place ->
          let add a b = a + b in
          Lwt.map (check_int "value" 48) (call way place (add (Sys.opaque_identity 7))));
      [
        law "call_at_home_is_ready_at_its_first_poll" (fun () ->
            Lwt.map (check_bool "ready" true) (first_poll AtHome succ));
        law "blocking_call_is_not_ready_at_its_first_poll" (fun () ->
            Lwt.map (check_bool "ready" false) (first_poll Blocking succ));
        law "future_of_a_blocking_call_is_one_for_lwt" (fun () ->
            Lwt.map (check_int "value" 42) (now (as_lwt succ)));
      ];
    ]

(* Endings. *)

let rec deep n : int = if n = 0 then raise (Refused "from the deep") else 1 + deep (n - 1)
let deep_line = __LINE__ - 1
let rec endless n : int = 1 + endless (n + 1)

let ends_with exn promise =
  let+ ending = ending promise in
  let seen = match ending with Ok _ -> "a value" | Error came -> Printexc.to_string came in
  check_string "the ending" (Printexc.to_string exn) seen

let endings =
  List.concat
    [
      everywhere "exception_comes_back_as_itself" (fun way place ->
          let sent = Refused "there and back" in
          let+ ending = ending (call way place (fun _ -> raise sent)) in
          check_bool "the same" true (match ending with Error exn -> exn == sent | Ok _ -> false);
          check_string "Rust saw" "exception refused there and back" (now (saw ())));
      everywhere "raised_exception_keeps_its_backtrace" (fun way place ->
          Printexc.record_backtrace true;
          Lwt.catch
            (fun () -> Lwt.map ignore (call way place (fun _ -> deep 3)))
            (fun _ ->
              let backtrace = Printexc.get_backtrace () in
              let line = Printf.sprintf "test_blocking.ml\", line %d" deep_line in
              if not (contains ~part:line backtrace) then Alcotest.failf "no %S in the backtrace:\n%s" line backtrace;
              Lwt.return_unit));
      everywhere "break_is_an_exception" (fun way place -> ends_with Sys.Break (call way place (fun _ -> raise Sys.Break)));
      everywhere "value_that_does_not_convert_is_refused" (fun way place ->
          let+ ending = ending (refused_value way place (fun () -> "\xff")) in
          match ending with
          | Error (Invalid_argument message) ->
              check_bool message true (starts_with ~prefix:"the value of an OCaml function does not convert: " message)
          | _ -> Alcotest.fail "it is not refused");
      everywhere "panic_in_an_argument_is_the_callers" (fun way place ->
          let+ ending = ending (bomb way place (fun () -> Alcotest.fail "called")) in
          match ending with
          | Error (Rust_async.Rust_panic { message; _ }) -> check_string "the panic" "in its conversion" message
          | _ -> Alcotest.fail "no panic");
      [
        blocking_call "stack_overflow_is_an_exception" (fun () ->
            let* () = ends_with Stack_overflow (call Blocking Domain endless) in
            let* () = ends_with Stack_overflow (call Blocking Domain endless) in
            Lwt.map (check_int "value" 42) (call Blocking Domain succ));
        blocking_call "call_of_rust_is_misuse" (fun () ->
            let+ message = Lwt.catch
              (fun () -> Lwt.map (fun _ -> "no exception") (call Blocking Domain (fun n -> ignore (on_tokio n); n)))
              (function Rust_async.Misuse message -> Lwt.return message | exn -> Lwt.fail exn)
            in
            check_bool message true (starts_with ~prefix:"blocking_on_tokio was called on thread" message));
        blocking_call "printer_that_raises_leaves_the_exception_its_name" (fun () ->
            let exception Silent in
            Printexc.register_printer (function Silent -> raise Not_found | _ -> None);
            let+ ending = ending (call Blocking Domain (fun _ -> raise Silent)) in
            check_bool "the exception" true (match ending with Error Silent -> true | _ -> false));
      ];
    ]
[@@ocamlformat "disable"]

(* Beside Lwt. *)

(* Turns of a loop that never sleeps, until [stop ()]. Each computes for a while, with the lock. *)
let turns_until stop =
  let compute () =
    let until = Unix.gettimeofday () +. 2e-4 in
    while Unix.gettimeofday () < until do
      ()
    done
  in
  let rec turn n =
    if stop () then Lwt.return n
    else begin
      compute ();
      Lwt.bind (Lwt.pause ()) (fun () -> turn (n + 1))
    end
  in
  turn 0

let turns_in seconds =
  let until = Unix.gettimeofday () +. seconds in
  turns_until (fun () -> Unix.gettimeofday () > until)

let times = 100

(* How many turns pass while a blocking thread takes and gives back the lock a hundred times. *)
let turns_beside release =
  let ended = ref false in
  let promise =
    call Blocking Domain (fun n ->
        for _ = 1 to times do
          release ()
        done;
        n)
  in
  Lwt.on_success promise (fun _ -> ended := true);
  let* turns = turns_until (fun () -> !ended) in
  Lwt.map (fun _ -> turns) promise

let prompt name release =
  blocking_call ("busy_loop_hands_the_lock_over/" ^ name) (fun () ->
      let* in_a_tick = turns_in 0.05 in
      let+ turns = turns_beside release in
      (* OCaml itself would take it from the loop after 50 ms, each time. *)
      let what = Printf.sprintf "%d turns, where 50 ms have %d" turns in_a_tick in
      check_bool what true (turns < times * in_a_tick / 4))

let beside =
  [
    blocking_call "lwt_goes_on_beside" (fun () ->
        let opened = ref false and ended = ref false in
        let promise =
          call Blocking Domain (fun n ->
              while not !opened do
                Unix.sleepf 0.001
              done;
              ended := true;
              n)
        in
        let* () = Lwt_unix.sleep 0.02 in
        check_bool "ended" false !ended;
        opened := true;
        Lwt.map (check_int "value" 41) promise);
    blocking_call "files_are_read_beside" (fun () ->
        let file = Filename.temp_file "blocking" ".txt" in
        let write n =
          let channel = open_out file in
          for i = 1 to 10_000 do
            Printf.fprintf channel "line %d\n" i
          done;
          close_out channel;
          n
        in
        let read _ =
          let channel = open_in file in
          let length = in_channel_length channel in
          let text = really_input_string channel length in
          close_in channel;
          String.length text
        in
        let* _ = call Blocking Tokio write in
        let+ length = call Blocking Tokio read in
        Sys.remove file;
        check_int "length" 98_894 length);
    prompt "that_sleeps" (fun () -> Unix.sleepf 1e-6);
    prompt "that_yields" Thread.yield;
    prompt "that_opens_files" (fun () -> Unix.close (Unix.openfile "/dev/null" [ O_RDONLY ] 0));
    blocking_call "blocking_calls_do_not_wait_for_each_other" (fun () ->
        let count = 40 in
        let inside = ref 0 in
        let f n =
          incr inside;
          while !inside < count do
            Unix.sleepf 0.001
          done;
          n
        in
        Lwt.map (check_int "sum" (count * (count - 1) / 2)) (many Blocking count f));
    blocking_call "blocking_call_that_computes_lets_lwt_go_on" (fun () ->
        let stop = ref false in
        let promise =
          call Blocking Domain (fun n ->
              while not !stop do
                ignore (Sys.opaque_identity (ref n))
              done;
              n)
        in
        let* () = Lwt_unix.sleep 0.1 in
        stop := true;
        Lwt.map (check_int "value" 41) promise);
    law_now "stub_may_wait_for_tokio" (fun () -> check_int "sum" 14 (now (on_tokio 7)));
    blocking_call "stub_may_wait_for_tokio_beside_blocking_calls" (fun () ->
        let all = List.init 20 (fun _ -> call Blocking Domain (fun n -> Unix.sleepf 0.001; n)) in
        for i = 1 to 50 do
          check_int "sum" (2 * i) (now (on_tokio i))
        done;
        Lwt.map (fun all -> check_int "sum" 820 (List.fold_left ( + ) 0 all)) (Lwt.all all));
  ]
[@@ocamlformat "disable"]

(* Dropped futures. *)

let drops =
  everywhere "future_that_is_not_polled_does_not_call" (fun way place ->
      let called = ref false in
      now (give_up way place false (fun n -> called := true; n));
      let* () = Lwt_unix.sleep 0.002 in
      check_bool "called" false !called;
      Lwt.return_unit)
  @ List.concat_map
      (fun (way, place) ->
        [
          law (String.concat "/" [ "future_that_is_dropped_before_it_began_does_not_call"; way_name way; in_place place ]) (fun () ->
              let called = ref false in
              now (give_up way place true (fun n -> called := true; n));
              let* () = Lwt_unix.sleep 0.005 in
              check_bool "called" false !called;
              Lwt.return_unit);
        ])
      ((Blocking, Domain) :: List.concat_map (fun way -> List.map (fun place -> (way, place)) elsewhere) ways)
  @ [
      blocking_call "cancelled_call_that_has_begun_ends_unheard" (fun () ->
          let began = ref false and go_on = ref false and ended = ref false in
          let f n =
            began := true;
            while not !go_on do
              Unix.sleepf 0.001
            done;
            ended := true;
            n
          in
          let promise = call Blocking Domain f in
          let* () = eventually "it" (fun () -> string_of_bool !began) "true" in
          Lwt.cancel promise;
          check_bool "canceled" true (match Lwt.state promise with Lwt.Fail Lwt.Canceled -> true | _ -> false);
          let* () = Lwt_unix.sleep 0.002 in
          check_bool "ended" false !ended;
          go_on := true;
          eventually "it" (fun () -> string_of_bool !ended) "true");
      blocking_call "cancelled_call_that_raises_ends_unheard" (fun () ->
          let began = ref false and go_on = ref false in
          let f _ =
            began := true;
            while not !go_on do
              Unix.sleepf 0.001
            done;
            raise (Refused "to nobody")
          in
          with_async_hook (fun told ->
              let promise = call Blocking Tokio f in
              let* () = eventually "it" (fun () -> string_of_bool !began) "true" in
              Lwt.cancel promise;
              go_on := true;
              let* () = Lwt_unix.sleep 0.005 in
              check_string "the hook was told" "" (told ());
              Lwt.return_unit));
    ]
[@@ocamlformat "disable"]

(* Races. *)

let racing name way count beside =
  law (String.concat "/" [ name; way_name way ]) (fun () ->
      beside (fun () ->
          let one i =
            let value = ref i in
            let f value =
              if i land 3 = 0 then ignore (Sys.opaque_identity (List.init 20 string_of_int));
              if i land 15 = 7 then raise (Refused "in between") else value
            in
            let promise = race way (1 + (i * 7 mod 40)) f value in
            if i land 31 = 11 then Lwt.cancel promise;
            if i land 127 = 0 then Gc.full_major () else if i land 7 = 0 then Gc.minor ();
            let+ ending = ending promise in
            match ending with
            | Ok (Some came) ->
                check_bool "the same" true (came == value && !value = i);
                1
            | Ok None | Error (Refused _ | Lwt.Canceled) -> 0
            | Error exn -> raise exn
          in
          let rec rounds i came =
            if i >= count then Lwt.return came
            else
              let* all = Lwt.all (List.init 10 (fun j -> one (i + j))) in
              rounds (i + 10) (List.fold_left ( + ) came all)
          in
          Lwt.map (fun (_ : int) -> ()) (rounds 0 0)))

let races =
  [
    racing "racing_drops_leave_nothing" AtHome 10_000 (fun f -> f ());
    racing "racing_drops_leave_nothing" Blocking 3_000 (fun f -> f ());
    racing "racing_drops_beside_a_collector_leave_nothing" AtHome 1_000 Collector.beside;
    racing "racing_drops_beside_a_collector_leave_nothing" Blocking 500 Collector.beside;
  ]
  @ each_way "many_calls_have_their_own_values" (fun way ->
        let count = 1_000 in
        let f n = String.length (Sys.opaque_identity (String.make n 'a')) in
        Lwt.map (check_int "sum" (count * (count - 1) / 2)) (many way count f))

let () =
  Alcotest.run "blocking"
    [
      ("values", values);
      ("endings", endings);
      ("beside Lwt", beside);
      ("drops", drops);
      ("races", races);
    ]
