(* Objects: Rust values that OCaml has as values of an abstract type. *)

open Law
open Lwt.Syntax
open Object_law

let make_later = Rust_half.Objects.Thing.make_later
let detached = Rust_half.Objects.Thing.detached
let tokio = Rust_half.Objects.Thing.tokio
let blocking = Rust_half.Objects.Thing.blocking
let sync = Rust_half.Objects.Thing.sync
let stream = Rust_half.Objects.Thing.stream
let borrowed_stream = Rust_half.Objects.Thing.borrowed_stream
let promised_stream = Rust_half.Objects.Thing.promised_stream
let later_stream = Rust_half.Objects.Thing.later_stream
let with_ = Rust_half.Objects.Thing.with_
let with_blocking = Rust_half.Objects.Thing.with_blocking
let until = Rust_half.Objects.Thing.until
let is_closed = Rust_half.Objects.Thing.is_closed
let calls = Rust_half.Objects.Thing.calls
let close_elsewhere = Rust_half.Objects.Thing.close_elsewhere
let close_on_a_worker = Rust_half.Objects.Thing.close_on_a_worker

(* Where it crosses. *)

type pair = Rust_half.things = { left : thing; right : thing option }

let name = Rust_half.Objects.objects_name
let maybe = Rust_half.Objects.objects_maybe
let result = Rust_half.Objects.objects_result
let array = Rust_half.Objects.objects_array
let list = Rust_half.Objects.objects_list
let names = Rust_half.Objects.objects_names
let swap = Rust_half.Objects.objects_swap
let through = Rust_half.Objects.objects_through
let streamed = Rust_half.Objects.objects_stream

type local = Rust_half.local

let append = Rust_half.Destructors.Local.append
let make_club = Rust_half.Objects.Club.make
let join = Rust_half.Objects.Club.join
let member = Rust_half.Objects.Club.member
let sleep = Rust_half.Destructors.destructors_sleep

(* Kinds of functions × endings. *)

let next stream = Lwt.map Option.get (Lwt_stream.get stream)

let kinds =
  [
    ("at_home", at_home);
    ("tokio", tokio);
    ("blocking", blocking);
    ("sync", fun thing end_ -> Lwt.wrap (fun () -> sync thing end_));
    ("stream", fun thing end_ -> next (stream thing end_));
    ("borrowed_stream", fun thing end_ -> Lwt.bind (Lwt.wrap (fun () -> borrowed_stream thing end_)) next);
    ("promised_stream", fun thing end_ -> Lwt.bind (promised_stream thing end_) next);
    ("later_stream", fun thing end_ -> Lwt.bind (later_stream thing end_) next);
    ("argument", fun thing end_ -> Lwt.map (fun text -> String.sub text 11 3) (with_ (make "other") thing end_));
    ("argument_blocking", fun thing end_ -> Lwt.map (fun text -> String.sub text 11 3) (with_blocking (make "other") thing end_));
  ]

let other_of kind = if Law.starts_with ~prefix:"argument" kind then [ "other elsewhere" ] else []

let endings_of_kinds =
  let endings = [ ("value", Value, "value it!"); ("error", Error, "error it!"); ("panic", Panic, "panic it!") ] in
  List.concat_map
    (fun (kind, call) ->
      List.filter_map
        (fun (ending_name, end_, expected) ->
          (* Such a stream begins when its function has returned. *)
          if kind = "borrowed_stream" && end_ = Error then None
          else
            Some
              (law
                 (Printf.sprintf "%s/%s_leaves_the_object_to_be_collected" kind ending_name)
                 (fun () ->
                   (* Nothing but the call has it. *)
                   let* ended = ending (call (make "it!") end_) in
                   check_string "the ending" expected (describe ended);
                   check_logged "its destructor" ("it! elsewhere" :: other_of kind))))
        endings)
    kinds

let cancelled =
  List.map
    (fun (kind, call) ->
      law (kind ^ "/cancelled_call_lets_go") (fun () ->
          let promise = call (make "it!") Never in
          let* () = Lwt.pause () in
          Gc.full_major ();
          check_string "the call keeps it" "" (String.concat "; " (Array.to_list (log ())));
          Lwt.cancel promise;
          let* ended = ending promise in
          check_string "the ending" "Lwt.Resolution_loop.Canceled" (describe ended);
          check_logged "its destructor" ("it! elsewhere" :: other_of kind)))
    (List.filter (fun (kind, _) -> List.mem kind [ "at_home"; "tokio"; "argument"; "later_stream" ]) kinds)

let closed =
  [
    law "close_lets_go_now_and_later_calls_are_refused_in_every_kind" (fun () ->
        let thing = make "it" in
        close thing;
        let* () = eventually "its destructor" (fun () -> String.concat "; " (Array.to_list (log ()))) "it elsewhere" in
        let* () = Lwt_list.iter_s (fun (kind, call) -> refused kind (fun () -> call thing Value)) kinds in
        let* () = refused "in a list" (fun () -> Lwt.return (String.concat "" (Array.to_list (names [ thing ])))) in
        (* Again: nothing. *)
        close thing;
        close thing;
        let* () = check_logged "others" [ "other elsewhere"; "other elsewhere" ] in
        Lwt.return_unit);
    law "calls_that_run_keep_what_is_closed" (fun () ->
        let thing = make "it" in
        let ended, end_ = Lwt.wait () in
        let runs = until thing (fun () -> ended) and goes_on = detached thing (fun () -> ended) in
        close thing;
        Gc.full_major ();
        check_string "still there" "" (String.concat "; " (Array.to_list (log ())));
        let* () = refused "meanwhile" (fun () -> at_home thing Value) in
        Lwt.cancel goes_on;
        Lwt.wakeup end_ ();
        let* value = runs in
        check_string "the value" "it" value;
        check_logged "then it went" [ "it elsewhere"; "it went on" ]);
    law "what_is_closed_while_a_sync_call_runs_with_it_is_there_until_its_end" (fun () ->
        let thing = make "it" in
        let value =
          calls thing (fun () ->
              close thing;
              Gc.compact ();
              check_string "still there" "" (String.concat "; " (Array.to_list (log ()))))
        in
        check_string "the value" "it" value;
        check_logged "then it went" [ "it elsewhere" ]);
    law "what_another_thread_closes_while_a_call_runs_with_it_is_there_until_its_end" (fun () ->
        let on_a_thread f thing = Thread.join (Thread.create f thing) in
        let closers = [ ("OCaml's", on_a_thread close); ("Rust's", close_elsewhere) ] in
        Lwt_list.iter_s
          (fun (whose, closes) ->
            let thing = make "it" in
            let value =
              calls thing (fun () ->
                  closes thing;
                  Gc.compact ();
                  check_string (whose ^ ": still there") "" (String.concat "; " (Array.to_list (log ()))))
            in
            check_string "the value" "it" value;
            let* () = check_logged (whose ^ ": then it went") [ "it elsewhere" ] in
            refused whose (fun () -> at_home thing Value))
          closers);
    law "what_a_worker_closes_goes_in_a_turn_of_the_loop" (fun () ->
        let thing = make "it" in
        let* () = close_on_a_worker thing in
        let* () = refused "at once" (fun () -> at_home thing Value) in
        check_logged "then it went" [ "it elsewhere" ]);
    law "calls_in_calls_keep_it_until_the_outermost_ends" (fun () ->
        let thing = make "it" in
        let quiet what = check_string what "" (String.concat "; " (Array.to_list (log ()))) in
        let value =
          calls thing (fun () ->
              let inner = calls thing (fun () -> close thing) in
              check_string "the inner one" "it" inner;
              Gc.full_major ();
              quiet "still there";
              match sync thing Value with
              | _ -> Alcotest.fail "called"
              | exception Rust_async.Misuse _ -> ())
        in
        check_string "the value" "it" value;
        check_logged "then it went" [ "it elsewhere" ]);
    law "a_sync_call_keeps_what_OCaml_has_forgotten" (fun () ->
        (* Nothing but the call has it, and the function of OCaml's does not know it. *)
        let value =
          calls (Sys.opaque_identity (make "it")) (fun () ->
              Gc.compact ();
              check_string "still there" "" (String.concat "; " (Array.to_list (log ()))))
        in
        check_string "the value" "it" value;
        check_logged "then it went" [ "it elsewhere" ]);
    law "a_call_that_is_refused_keeps_none_of_its_objects" (fun () ->
        let one = make "one" and two = make "two" in
        close two;
        let* () = check_logged "the second" [ "two elsewhere" ] in
        let* () = refused "the second" (fun () -> with_ one two Value) in
        let* () = refused "the second" (fun () -> with_blocking one two Value) in
        close one;
        check_logged "the first" [ "one elsewhere" ]);
    law "a_function_that_closes_while_a_destructor_runs_in_close" (fun () ->
        let ran = ref 0 in
        let here = ref None in
        let again _ =
          incr ran;
          Option.iter close_any !here;
          Option.iter close_any !here
        in
        here := Some (make_here "a" (CallsOCaml again));
        Option.iter close_any !here;
        check_int "once" 1 !ran;
        let thing = make "b" in
        let other = make_here "c" (CallsOCaml (fun _ -> close thing)) in
        close_any other;
        check_logged "destructors" [ "a at home"; "b elsewhere"; "c at home" ]);
    law "an_object_that_OCaml_is_given_twice_is_one" (fun () ->
        let thing = make "it" in
        let again = same thing in
        check_bool "open" false (is_closed again);
        check_bool "two values" false (thing == again);
        close again;
        let* () = refused "the other" (fun () -> at_home thing Value) in
        let* () = check_logged "its destructor" [ "it elsewhere" ] in
        (* One of them is collected, and the other is good. *)
        let thing = make "it" in
        ignore (Sys.opaque_identity (same thing));
        Gc.full_major ();
        check_string "one is left" "it" (sync thing Value);
        close thing;
        check_logged "its destructor" [ "it elsewhere" ]);
    law "what_Rust_gives_after_it_was_closed_is_closed" (fun () ->
        let club = make_club (fun _ -> true) in
        let thing = make "it" in
        let* _ = join club thing in
        close thing;
        let again = Option.get (member club 0) in
        let* () = refused "given again" (fun () -> at_home again Value) in
        check_string "the club has it" "" (String.concat "; " (Array.to_list (log ())));
        close_any club;
        check_logged "its destructor" [ "it elsewhere" ]);
  ]

(* What is not what it is taken for. *)

let wrong =
  let pretend value : thing = Obj.obj value in
  let cases =
    [
      ("another object", Obj.repr (make_small ()), "not a Thing but Small");
      ("int", Obj.repr 5, "not a Thing but no object of Rust's");
      ("string", Obj.repr "text", "not a Thing but no object of Rust's");
      ("float", Obj.repr 1.5, "not a Thing but no object of Rust's");
      ("custom block", Obj.repr 5L, "not a Thing but no object of Rust's");
      ("channel", Obj.repr stdout, "not a Thing but no object of Rust's");
      ("function", Obj.repr (fun () -> ()), "not a Thing but no object of Rust's");
      ("record", Obj.repr { left = Obj.magic 0; right = None }, "not a Thing but no object of Rust's");
    ]
  in
  [
    law_now "a_value_of_another_type_is_refused_with_both_names" (fun () ->
        List.iter
          (fun (what, value, expected) ->
            match name (pretend value) with
            | _ -> Alcotest.failf "%s was taken" what
            | exception Invalid_argument text ->
                check_bool (what ^ ": " ^ text) true
                  (starts_with ~prefix:("objects_name: argument 1 (thing): " ^ expected) text))
          cases;
        (match names [ pretend (Obj.repr 1) ] with
        | _ -> Alcotest.fail "taken in a list"
        | exception Invalid_argument text -> check_bool text true (contains ~part:"no object of Rust's" text));
        match close_any "text" with
        | () -> Alcotest.fail "closed"
        | exception Invalid_argument text -> check_bool text true (contains ~part:"no object of Rust's" text));
    law "one_that_was_closed_and_is_of_another_type_is_refused" (fun () ->
        let small = make_small () in
        close_any small;
        (match name (pretend (Obj.repr small)) with
        | _ -> Alcotest.fail "taken"
        | exception Invalid_argument text -> check_bool text true (contains ~part:"not a Thing but Small" text));
        Lwt.return_unit);
    law "objects_are_abstract" (fun () ->
        let one = make "a" and two = make "a" in
        let raises what expected f =
          match f () with
          | _ -> Alcotest.failf "%s raised nothing" what
          | exception exn -> check_string what expected (Printexc.to_string exn)
        in
        raises "=" {|Invalid_argument("compare: abstract value")|} (fun () -> one = two);
        raises "compare" {|Invalid_argument("compare: abstract value")|} (fun () -> compare one two);
        raises "in a list" {|Invalid_argument("compare: abstract value")|} (fun () -> [ one ] = [ two ]);
        check_bool "==" true (one == one && one != two);
        check_int "a hash that says nothing" (Hashtbl.hash one) (Hashtbl.hash two);
        raises "Marshal" {|Invalid_argument("output_value: abstract value (Custom)")|} (fun () ->
            Marshal.to_string one []);
        close one;
        close two;
        check_logged "destructors" [ "a elsewhere"; "a elsewhere" ]);
  ]

(* Where they cross. *)

let crossings =
  let gone names = check_logged "destructors" (List.map (fun name -> name ^ " elsewhere") names) in
  [
    law "results_options_arrays_lists_records" (fun () ->
        check_bool "none" true (maybe None = None);
        check_string "some" "a" (name (Option.get (maybe (Some "a"))));
        let* ok = result "b" in
        check_string "ok" "b" (name (Result.get_ok ok));
        let* error = result "" in
        check_bool "error" true (match error with Error "no name" -> true | _ -> false);
        let made = array [| "c"; "d" |] in
        check_string "array" "c d" (String.concat " " (Array.to_list (Array.map name made)));
        let* made = list [| "e"; "f" |] in
        check_string "list" "e f" (String.concat " " (Array.to_list (names made)));
        let { left; right } = swap { left = make "g"; right = Some (make "h") } in
        check_string "record" "h g" (name left ^ " " ^ name (Option.get right));
        let* later = make_later "i" in
        check_string "self in a result" "i" (name later);
        gone [ "a"; "b"; "c"; "d"; "e"; "f"; "g"; "h"; "i" ]);
    law "arguments_and_results_of_OCaml_functions" (fun () ->
        let* same =
          through (fun thing n ->
              check_int "beside it" 1 n;
              Lwt.return thing)
        in
        check_string "the same" "given true" same;
        let* other = through (fun _ _ -> make_later "other") in
        check_string "another" "other false" other;
        let* refused = ending (through (fun _ _ -> Lwt.return (Obj.magic "text"))) in
        check_bool (describe refused) true (contains ~part:"not a Thing but no object of Rust's" (describe refused));
        gone [ "given"; "given"; "given"; "other" ]);
    law "items_of_streams" (fun () ->
        let* things = Lwt_stream.to_list (streamed [| "a"; "b"; "c" |]) in
        check_string "all" "a b c" (String.concat " " (List.map name things));
        gone [ "a"; "b"; "c" ]);
    law "objects_hold_objects_and_functions" (fun () ->
        let joined = ref [] in
        let club =
          make_club (fun thing ->
              joined := name thing :: !joined;
              name thing <> "c")
        in
        let* one = join club (make "a") in
        let* two = join club (make "b") in
        let* still_two = join club (make "c") in
        check_string "counts" "1 2 2" (Printf.sprintf "%d %d %d" one two still_two);
        check_string "the function was called" "c b a" (String.concat " " !joined);
        check_string "a member" "b" (name (Option.get (member club 1)));
        let* () = gone [ "c" ] in
        close_any club;
        gone [ "a"; "b" ]);
    law "an_object_that_is_not_Send_is_used_and_goes_at_home" (fun () ->
        let local = make_local "a" in
        let* text = append local "b" in
        check_string "text" "ab" text;
        let* text = append local "c" in
        check_string "text" "abc" text;
        let* () = sleep 1 in
        check_string "still there" "" (String.concat "; " (Array.to_list (log ())));
        let* () =
          let _ : local = Sys.opaque_identity local in
          Lwt.return_unit
        in
        check_logged "at home" [ "abc at home" ]);
  ]

let () =
  Alcotest.run "objects"
    [
      ("kinds: endings", endings_of_kinds);
      ("kinds: cancellation", cancelled);
      ("close", closed);
      ("misuse", wrong);
      ("crossings", crossings);
    ]
