(* How a future or a promise can end, in detail: errors of every type, exceptions, panics. The table of what ends where
   is in test_matrix.ml. *)

open Lwt.Syntax
open Law

let error = Rust_half.Endings.endings_error
external ocaml_error : int -> exn -> bool -> int Lwt.t = "interop_tests__endings_ocaml_error"
external raised_by_ocaml_rs : int -> exn -> int = "endings_raised_by_ocaml_rs"
let result = Rust_half.Endings.endings_result
let pass_on_workers = Rust_half.On_tokio.on_tokio_pass_on_workers
let pass = Rust_half.Endings.endings_pass
let read = Rust_half.Endings.endings_read
let handle = Rust_half.Endings.endings_handle
let registered = Rust_half.Endings.endings_registered
external from_value : exn -> bool -> int Lwt.t = "interop_tests__endings_from_value"
external boxed : exn -> bool -> int Lwt.t = "interop_tests__endings_boxed"
let panic = Rust_half.Endings.endings_panic
let panic_line = Rust_half.Endings.endings_panic_line
let destructor_of_task = Rust_half.Endings.endings_destructor_of_task
let joined = Rust_half.Endings.endings_joined
let detached = Rust_half.Endings.endings_detached
let caught = Rust_half.Endings.endings_caught
let broken = Rust_half.Matrix.matrix_broken

(* Every law about a function of Rust's holds for one that is ready at once, and for one that was pending. *)
let both name program =
  [ law (name ^ "/at_once") (fun () -> program false); law (name ^ "/after_a_yield") (fun () -> program true) ]

let check_exn what expected promise =
  let+ ending = ending promise in
  match ending with
  | Ok _ -> Alcotest.failf "%s: fulfilled" what
  | Error exn -> check_string what (Printexc.to_string expected) (Printexc.to_string exn)

let rust_error message causes = Rust_async.Rust_error { message; causes }

let errors =
  List.concat_map
    (fun (which, name, expected) -> both name (fun yields -> check_exn name expected (error which yields)))
    [
      (0, "message_is_rust_error", rust_error "only a message" []);
      (1, "error_with_a_cause_is_rust_error_with_a_chain", rust_error "the probe failed" [ "disk on fire" ]);
      (2, "error_of_the_standard_library_is_rust_error", rust_error "invalid digit found in string" []);
      (3, "wrapped_error_keeps_its_chain", rust_error "the probe failed" [ "disk on fire" ]);
    ]

let ocaml_errors =
  List.concat_map
    (fun (which, name) ->
      both (name ^ "_is_what_ocaml_rs_raises") (fun yields ->
          let sent = Refused "with an argument" in
          let expected = match raised_by_ocaml_rs which sent with _ -> Exit | exception exn -> exn in
          let+ ending = ending (ocaml_error which sent yields) in
          match ending with
          | Ok _ -> Alcotest.fail "fulfilled"
          | Error exn ->
              check_string "the exception" (Printexc.to_string expected) (Printexc.to_string exn);
              check_bool "equal" true (exn = expected);
              if which = 14 then check_bool "the same" true (exn == sent)))
    [
      (0, "message"); (1, "not_callable"); (2, "not_double_array"); (3, "boxed_error"); (4, "not_found");
      (5, "failure"); (6, "invalid_argument"); (7, "out_of_memory"); (8, "stack_overflow"); (9, "sys_error");
      (10, "end_of_file"); (11, "zero_divide"); (12, "array_bound_error"); (13, "sys_blocked_io");
      (14, "exception"); (15, "exception_with_argument");
    ]
[@@ocamlformat "disable"]

let results =
  both "other_result_fulfils_with_an_ocaml_result" (fun yields ->
      let* ok = result true yields in
      let+ error = result false yields in
      check_bool "Ok" true (ok = Ok 42);
      check_bool "Error" true (error = Error "refused"))

(* Exceptions. *)

let rec deep n : int = if n = 0 then raise (Refused "from the deep") else 1 + deep (n - 1)
let deep_line = __LINE__ - 1

let keeps_its_backtrace function_ yields =
  Printexc.record_backtrace true;
  (* Another exception in between, whose backtrace is not the one. *)
  let mapped = Lwt.catch (fun () -> pass function_ yields) (fun exn ->
    let backtrace = Printexc.get_backtrace () in
    check_string "the exception" "refused from the deep" (Printexc.to_string exn);
    let line = Printf.sprintf "test_endings.ml\", line %d" deep_line in
    if not (contains ~part:line backtrace) then Alcotest.failf "no %S in the backtrace:\n%s" line backtrace;
    Lwt.return 0)
  in
  Lwt.map ignore mapped

(* An exception that nobody raised, behind one that somebody did; while it is on its way, others are raised. *)
let has_no_backtrace () =
  Printexc.record_backtrace true;
  let others = ref 0 and before = ref 0 and checked = ref 0 in
  let function_ () =
    (try ignore (deep 3) with Refused _ -> ());
    before := !others;
    Lwt.fail (Refused "without a word")
  in
  let check exn =
    let backtrace = Printexc.get_backtrace () in
    check_string "the exception" "refused without a word" (Printexc.to_string exn);
    let line = Printf.sprintf "test_endings.ml\", line %d" deep_line in
    if !others > !before then begin
      incr checked;
      if contains ~part:line backtrace then Alcotest.failf "the backtrace of another exception:\n%s" backtrace
    end;
    Lwt.return 0
  in
  let rec raises promise =
    (try raise Exit with Exit -> incr others);
    if Lwt.is_sleeping promise then Lwt.bind (Lwt.pause ()) (fun () -> raises promise) else Lwt.return_unit
  in
  let rec calls () =
    if !checked = 20 then Lwt.return_unit
    else
      let promise = Lwt.catch (fun () -> pass_on_workers function_ true) check in
      let* () = raises promise in
      Lwt.bind promise (fun _ -> calls ())
  in
  calls ()

let same_exception promise_of yields =
  let sent = Refused "there and back" in
  let+ ending = ending (promise_of sent yields) in
  check_bool "the same exception" true (match ending with Error exn -> exn == sent | Ok _ -> false)

let read_exception name exn expected =
  law (name ^ "_is_read_in_rust") (fun () ->
      let+ seen = read (Lwt.fail exn) in
      check_bool
        (let name, message, argument = seen in
         Printf.sprintf "%s, %s, %s" name message (Option.value argument ~default:"nothing"))
        true (seen = expected))

let handled name promise expected = law name (fun () -> Lwt.map (check_int name expected) (handle (promise ())))

let exceptions =
  List.concat
    [
      both "exception_of_a_callback_that_returns_no_promise_ends_the_call"
        (same_exception (fun sent -> pass (fun () -> raise sent)));
      both "exception_of_a_rejected_promise_comes_back" (same_exception (fun sent -> pass (fun () -> Lwt.fail sent)));
      both "exception_of_a_later_rejection_comes_back"
        (same_exception (fun sent -> pass (fun () -> Lwt.bind (Lwt.pause ()) (fun () -> Lwt.fail sent))));
      both "exception_made_an_error_comes_back" (same_exception from_value);
      both "exception_in_a_boxed_error_comes_back" (same_exception boxed);
      both "raised_exception_keeps_its_backtrace" (keeps_its_backtrace (fun () -> Lwt.return (deep 3)));
      both "exception_of_a_later_rejection_keeps_its_backtrace"
        (keeps_its_backtrace (fun () -> Lwt.map (fun () -> deep 3) (Lwt.pause ())));
      [ law "exception_that_nobody_raised_has_no_backtrace_of_anothers" has_no_backtrace ];
      both "registered_exception_is_raised_by_name" (fun yields ->
          check_exn "it" (Refused "by Rust") (registered "test.refused" yields));
      both "exception_that_nobody_registered_is_misuse" (fun yields ->
          let+ ending = ending (registered "test.nobody" yields) in
          check_bool "Misuse" true (match ending with Error (Rust_async.Misuse _) -> true | _ -> false));
      [
        read_exception "constant_exception" Not_found ("Not_found", "Not_found", None);
        read_exception "exception_with_an_argument" (Failure "why") ("Failure", "Failure(\"why\")", None);
        read_exception "exception_with_arguments"
          (Unix.Unix_error (Unix.ENOENT, "open", "/nowhere"))
          ("Unix.Unix_error", "Unix.Unix_error(Unix.ENOENT, \"open\", \"/nowhere\")", Some "open");
        read_exception "exception_with_a_printer" (Refused "it") ("Law.Refused", "refused it", None);
        law "exceptions_of_the_bridge_are_called_after_it" (fun () ->
            let called exn = String.concat " " [ Printexc.exn_slot_name exn; Printexc.to_string exn ] in
            check_string "an error" "Rust_async.Rust_error Rust_async.Rust_error: a: b" (called (rust_error "a" [ "b" ]));
            check_string "a panic" "Rust_async.Rust_panic Rust_async.Rust_panic: a"
              (called (Rust_async.Rust_panic { message = "a"; location = "" }));
            check_string "a broken promise" "Rust_async.Broken_promise Rust_async.Broken_promise" (called Rust_async.Broken_promise);
            check_string "a misuse" "Rust_async.Misuse Rust_async.Misuse: a" (called (Rust_async.Misuse "a"));
            Lwt.return_unit);
        handled "exception_is_matched_by_name" (fun () -> Lwt.fail Not_found) (-1);
        handled "cancellation_is_recognised" (fun () -> Lwt.fail Lwt.Canceled) (-2);
        handled "broken_promise_is_recognised" (fun () -> now (broken ())) (-3);
        handled "value_is_no_exception" (fun () -> Lwt.return 7) 7;
      ];
    ]

(* Errors that a library has wrapped. *)

module Wrapped = Rust_half.Wrapped

let wrappings =
  Rust_half.
    [
      (Source, "a_source"); (Io, "an_io_error"); (Transparent, "a_transparent_error"); (Boxes, "boxes");
      (Anyhow, "anyhow"); (AnyhowBoxed, "anyhow_as_a_box");
    ]

let read_one stream = Lwt_stream.next stream
let nothing () = Lwt.fail Exit

(* How it comes into OCaml: the exception, and its backtrace. *)
let as_it_came promise =
  Lwt.catch
    (fun () -> Lwt.bind (promise ()) (fun _ -> Alcotest.fail "fulfilled"))
    (fun exn -> Lwt.return (exn, Printexc.get_backtrace ()))

(* Every way into OCaml, for an OCaml function that is called. *)
let ways =
  let awaits f wrapping inside raising = as_it_came (fun () -> f wrapping inside (fun () -> Lwt.return (raising ()))) in
  let sync wrapping inside raising =
    match Wrapped.wrapped_now wrapping inside raising with
    | _ -> Alcotest.fail "it returns"
    | exception exn -> Lwt.return (exn, Printexc.get_backtrace ())
  in
  [
    ("at_home", awaits (fun w i f -> Wrapped.wrapped_at_home w i f false));
    ("at_home_after_a_yield", awaits (fun w i f -> Wrapped.wrapped_at_home w i f true));
    ("on_workers", awaits (fun w i f -> Wrapped.wrapped_on_workers w i f false));
    ("on_workers_after_a_yield", awaits (fun w i f -> Wrapped.wrapped_on_workers w i f true));
    ("blocking", awaits Wrapped.wrapped_blocking);
    ("inside_the_call", sync);
    ("rejected", awaits Wrapped.wrapped_rejection);
    ("in_a_stream", awaits (fun w i f -> read_one (Wrapped.wrapped_stream w i f)));
    ("by_a_callback", awaits (fun w i f -> Wrapped.wrapped_for_a_callback w i f read_one));
  ]

let wrapped_exception (way, through) (wrapping, in_what) =
  law (Printf.sprintf "exception_in_%s_comes_back/%s" in_what way) (fun () ->
      Printexc.record_backtrace true;
      let sent = Refused "wrapped" in
      let rec deep n : int = if n = 0 then raise sent else 1 + deep (n - 1) in
      let line = Printf.sprintf "test_endings.ml\", line %d" (__LINE__ - 1) in
      let+ exn, backtrace = through wrapping Rust_half.Raised (fun () -> deep 3) in
      check_bool (Printexc.to_string exn) true (exn == sent);
      (* What C raises has a backtrace of its own: on OCaml 5, and in bytecode. *)
      if way <> "inside_the_call" && not (contains ~part:line backtrace) then
        Alcotest.failf "no %S in the backtrace:\n%s" line backtrace)

let wrapped_others =
  List.concat_map
    (fun (wrapping, in_what) ->
      let comes_back (what, inside, expected) =
        both (Printf.sprintf "%s_in_%s_comes_back" what in_what) (fun yields ->
            let+ ending = ending (Wrapped.wrapped_at_home wrapping inside nothing yields) in
            match ending with
            | Ok _ -> Alcotest.fail "fulfilled"
            | Error exn -> check_bool (Printexc.to_string exn) true (expected exn))
      in
      List.concat_map comes_back
        [
          ("registered_exception", Rust_half.Registered, ( = ) (Refused "by Rust"));
          ("panic", Panicked, function Rust_async.Rust_panic { message = "in a task"; _ } -> true | _ -> false);
          ("broken_promise", Broken, ( = ) Rust_async.Broken_promise);
          ("rust_error", Rust, function Rust_async.Rust_error _ -> true | _ -> false);
        ])
    wrappings

(* What Rust sees of it: the wrappers' messages before its own, which is there once. *)
let seen wrapping inside = Wrapped.wrapped_seen wrapping inside (fun () -> Lwt.fail (Refused "seen"))

let wrapped_messages =
  let of_exception = "refused seen" and of_library = "the library failed" in
  List.map
    (fun (wrapping, expected) ->
      let in_what = List.assoc wrapping wrappings in
      law (Printf.sprintf "messages_of_%s_are_kept" in_what) (fun () ->
          let* chain, name, broken, rust, panic = seen wrapping Rust_half.Raised in
          Alcotest.(check (array string)) "chain" expected chain;
          check_bool "exception" true (name = Some "Law.Refused" && (not broken) && (not rust) && panic = None);
          let* chain, name, broken, rust, panic = seen wrapping Broken in
          check_int "chain" (Array.length expected) (Array.length chain);
          check_bool "broken" true (name = None && broken && (not rust) && panic = None);
          let* _, name, broken, rust, panic = seen wrapping Panicked in
          check_bool "panic" true (name = None && (not broken) && (not rust) && panic = Some "in a task");
          let+ _, name, broken, rust, panic = seen wrapping Rust in
          check_bool "Rust's" true (name = None && (not broken) && rust && panic = None)))
    Rust_half.
      [
        (Source, [| of_library; of_exception |]);
        (Io, [| of_exception |]);
        (Transparent, [| of_library; of_exception |]);
        (Boxes, [| of_library; of_exception |]);
        (Anyhow, [| "twice"; "in anyhow"; of_exception |]);
        (AnyhowBoxed, [| of_exception |]);
      ]

let wrapped =
  List.concat
    [
      List.concat_map (fun way -> List.map (wrapped_exception way) wrappings) ways;
      wrapped_others;
      wrapped_messages;
      [
        law "wrapped_exception_that_is_sent_twice_is_the_same" (fun () ->
            let sent = Refused "twice" and seen = ref Exit in
            let again stream =
              Lwt.catch (fun () -> read_one stream) (fun exn -> seen := exn; Lwt.return 0)
            in
            let+ ending = ending (Wrapped.wrapped_twice (fun () -> Lwt.fail sent) again) in
            check_bool "the first time" true (!seen == sent);
            check_bool "the second time" true (ending = Error sent && match ending with Error exn -> exn == sent | Ok _ -> false));
      ];
    ]
[@@ocamlformat "disable"]

(* Panics. *)

let check_panic promise check =
  let+ ending = ending promise in
  match ending with
  | Error (Rust_async.Rust_panic { message; location }) -> check message location
  | Error exn -> Alcotest.failf "%s instead of a panic" (Printexc.to_string exn)
  | Ok _ -> Alcotest.fail "fulfilled"

let panics =
  let with_message (which, name, expected) =
    both name (fun yields -> check_panic (panic which yields) (fun message _ -> check_string "message" expected message))
  in
  List.concat
    [
      List.concat_map with_message
        [
          (0, "panic_has_its_text", "plain text");
          (1, "panic_has_its_formatted_text", "formatted 7");
          (2, "panic_without_text_says_so", "a panic with a payload that is not text");
          (3, "panic_whose_payload_panics_says_so", "a panic whose payload panicked in its destructor");
          (5, "panic_in_the_destructor_of_the_value_rejects_promise", "in its destructor");
          (6, "panic_in_a_destructor_rejects_promise", "in its destructor");
        ];
      both "panic_in_the_conversion_of_the_value_rejects_promise" (fun yields ->
          check_panic (panic 4 yields) (fun message _ ->
              check_string "message" "in its conversion" message));
      both "panic_has_its_place" (fun yields ->
          check_panic (panic 0 yields) (fun _ location ->
              let prefix = Printf.sprintf "test/src/endings.rs:%d:" (now (panic_line ())) in
              check_bool location true (starts_with ~prefix location)));
      List.map
        (fun (name, by_abort) ->
          law name (fun () ->
              check_panic (destructor_of_task by_abort) (fun message _ ->
                  check_string "message" "in its destructor" message)))
        [ ("panic_in_the_destructor_of_a_task_ends_it", false);
          ("panic_in_the_destructor_of_an_aborted_task_ends_it", true) ];
      List.map
        (fun (name, after) ->
          law name (fun () ->
              with_async_hook (fun told ->
                  let* () = detached after in
                  let prefix = "Rust_async.Rust_panic: detached, at test/src/endings.rs:" in
                  eventually "the hook was told" (fun () -> string_of_bool (starts_with ~prefix (told ()))) "true")))
        [ ("panic_in_a_detached_task_reaches_the_hook", false);
          ("panic_in_a_task_detached_later_reaches_the_hook", true) ];
      [
        law "panic_in_a_task_reaches_its_handle_only" (fun () ->
            with_async_hook (fun told ->
                let* message = joined () in
                check_bool "its handle" true (message = Some "in a task");
                let+ () = Lwt.pause () in
                check_string "the hook" "" (told ())));
        law "panic_that_rust_catches_is_nobodys_business" (fun () -> Lwt.map (check_int "value" 42) (caught ()));
        law "executor_goes_on_after_a_panic" (fun () ->
            let* () = Lwt.map ignore (ending (panic 0 true)) in
            Lwt.map (check_bool "value" true) (Lwt.map (( = ) (Ok 42)) (result true true)));
      ];
    ]
[@@ocamlformat "disable"]

(* What the hook for asynchronous exceptions raises goes through Rust and leaves the loop, as it would without Rust. *)
let escapes =
  [
    Alcotest.test_case "exception_thrown_through_a_resolution_leaves_the_loop" `Quick (fun () ->
        let hook = !Lwt.async_exception_hook in
        let loop () =
          let promise = result true true in
          Lwt.on_success promise (fun _ -> raise (Refused "through"));
          Lwt_main.run (Lwt.bind promise (fun _ -> Lwt_unix.sleep patience))
        in
        Lwt.async_exception_hook := raise;
        let left = Fun.protect (fun () -> match loop () with () -> None | exception exn -> Some exn)
          ~finally:(fun () -> Lwt.async_exception_hook := hook) in
        check_bool "it left the loop" true (left = Some (Refused "through"));
        (* Both loops work. *)
        check_bool "value" true (Lwt_main.run (result true true) = Ok 42));
  ]

let () =
  Alcotest.run "endings"
    [
      ("errors", errors); ("errors of ocaml-rs", ocaml_errors); ("results", results); ("exceptions", exceptions);
      ("wrapped errors", wrapped);
      ("panics", panics); ("escapes", escapes);
    ]
