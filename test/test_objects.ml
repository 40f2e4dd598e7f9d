(* Objects: Rust values that OCaml has as values of an abstract type. *)

open Law
open Lwt.Syntax

type thing = Rust_half.Objects.Thing.t
type end_ = Rust_half.end_ = Value | Error | Panic | Never

let close = Rust_half.Objects.Thing.close
external close_any : 'a -> unit = "ocaml_lwt_interop_close"
let log = Rust_half.Objects.objects_log
let make = Rust_half.Objects.Thing.make
let make_later = Rust_half.Objects.Thing.make_later
let at_home = Rust_half.Objects.Thing.at_home
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
let same = Rust_half.Objects.Thing.same
let is_closed = Rust_half.Objects.Thing.is_closed
let calls = Rust_half.Objects.Thing.calls
let close_elsewhere = Rust_half.Objects.Thing.close_elsewhere
let close_on_a_worker = Rust_half.Objects.Thing.close_on_a_worker
let hold = Rust_half.Objects.objects_hold

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

(* Destructors. *)

type last = Rust_half.last =
  | Nothing
  | Panics
  | Blocks
  | CallsOCaml of (string -> unit)
  | Spawns
  | LetsGo of thing
  | Closes of thing

type anywhere = Rust_half.anywhere
type here = Rust_half.at_home
type local = Rust_half.local
type club = Rust_half.club
type small = Rust_half.small
type large = Rust_half.large
type measured = Rust_half.measured

let make_anywhere = Rust_half.Objects.Anywhere.make
let until_anywhere = Rust_half.Objects.Anywhere.until
let until_there = Rust_half.Objects.Anywhere.until_there
let make_here = Rust_half.Objects.AtHome.make
let until_here = Rust_half.Objects.AtHome.until
let until_there_here = Rust_half.Objects.AtHome.until_there
let open_gate = Rust_half.Objects.objects_open_gate
let make_local = Rust_half.Objects.Local.make
let append = Rust_half.Objects.Local.append
let make_club = Rust_half.Objects.Club.make
let join = Rust_half.Objects.Club.join
let member = Rust_half.Objects.Club.member
let make_small = Rust_half.Objects.Small.make
let use_small = Rust_half.Objects.Small.use_it
let race = Rust_half.Objects.Small.race
let small_gone = Rust_half.Objects.objects_small_gone
let make_large = Rust_half.Objects.objects_large
let make_measured = Rust_half.Objects.Measured.make
let sleep = Rust_half.Objects.objects_sleep
let memory_live = Rust_half.Memory.memory_live

(* Of all destructors since it was last asked, once there are so many. *)
let logged count =
  let seen = ref [] in
  let look () =
    Gc.full_major ();
    seen := !seen @ Array.to_list (log ());
    string_of_int (List.length !seen)
  in
  let* () = eventually "destructors" look (string_of_int count) in
  Lwt.return (String.concat "; " (List.sort compare !seen))

let check_logged what expected =
  let* seen = logged (List.length expected) in
  check_string what (String.concat "; " (List.sort compare expected)) seen;
  Lwt.return_unit

let describe = function
  | Ok value -> "value " ^ value
  | Error (Rust_async.Rust_panic { message; _ }) -> "panic " ^ message
  | Error (Rust_async.Rust_error { message; _ }) -> "error " ^ message
  | Error exn -> Printexc.to_string exn

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

let refused kind call =
  let* ended = ending (Lwt.bind (Lwt.wrap call) Fun.id) in
  match ended with
  | Error (Rust_async.Misuse text) ->
      check_bool (kind ^ ": " ^ text) true
        (contains ~part:"argument" text && contains ~part:"this Thing was closed" text);
      Lwt.return_unit
  | ended -> Alcotest.failf "%s: not refused: %s" kind (describe (Result.map (fun _ -> "") ended))

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

(* Destructors. *)

let forget make = ignore (Sys.opaque_identity (make ()))

let destructors =
  [
    law "collected_object_goes_where_no_lock_is_held_or_at_home" (fun () ->
        forget (fun () -> make_anywhere "anywhere" Nothing);
        forget (fun () -> make_here "here" Nothing);
        forget (fun () -> make_local "local");
        Gc.full_major ();
        (* Those at home wait for a turn. *)
        check_bool "not in the collector" false
          (Array.exists (fun text -> contains ~part:"at home" text) (log ()));
        Lwt.return_unit);
    law "each_place" (fun () ->
        ignore (log ());
        forget (fun () -> make_anywhere "anywhere" Nothing);
        forget (fun () -> make_here "here" Nothing);
        forget (fun () -> make_local "local");
        check_logged "places" [ "anywhere elsewhere"; "here at home"; "local at home" ]);
    law "closed_object_goes_at_home_at_once_if_that_is_its_place" (fun () ->
        let here = make_here "here" Nothing and local = make_local "local" in
        close_any here;
        close_any local;
        check_string "at once" "here at home; local at home" (String.concat "; " (Array.to_list (log ())));
        Lwt.return_unit);
    law "last_call_lets_go_where_that_may_be" (fun () ->
        let run until make =
          let ended, end_ = Lwt.wait () in
          let value = make () in
          let call = until value (fun () -> ended) in
          close_any value;
          let* () = Lwt.pause () in
          Lwt.wakeup end_ ();
          call
        in
        let* () = run until_anywhere (fun () -> make_anywhere "a" Nothing) in
        let* () = run until_there (fun () -> make_anywhere "b" Nothing) in
        let* () = run until_here (fun () -> make_here "c" Nothing) in
        let* () = run until_there_here (fun () -> make_here "d" Nothing) in
        check_logged "places" [ "a elsewhere"; "b elsewhere"; "c at home"; "d at home" ]);
    law "future_that_is_dropped_with_the_last_reference" (fun () ->
        let held = hold (make "it") in
        Gc.full_major ();
        check_string "held" "" (String.concat "; " (Array.to_list (log ())));
        Lwt.cancel held;
        check_logged "its destructor" [ "it elsewhere" ]);
    law "a_panic_is_told_and_goes_no_further" (fun () ->
        with_async_hook (fun told ->
            forget (fun () -> make_anywhere "a" Panics);
            forget (fun () -> make_here "b" Panics);
            forget (fun () -> make_anywhere "c" Nothing);
            let* () = check_logged "destructors" [ "a elsewhere"; "b at home"; "c elsewhere" ] in
            let told () = string_of_int (List.length (String.split_on_char ';' (told ()))) in
            let* () = eventually "told" told "2" in
            let here = make_here "d" Panics in
            close_any here;
            let* () = eventually "told" told "3" in
            check_logged "destructor" [ "d at home" ]));
    law "what_a_panic_says_is_told" (fun () ->
        with_async_hook (fun told ->
            forget (fun () -> make_anywhere "a" Panics);
            let* () = check_logged "destructor" [ "a elsewhere" ] in
            let first () = List.hd (String.split_on_char ',' (told ())) in
            eventually "told" first "Rust_async.Rust_panic: in a destructor"));
    law "a_destructor_that_blocks_keeps_nobody_waiting" (fun () ->
        open_gate false;
        for _ = 1 to 3 do
          forget (fun () -> make_anywhere "blocks" Blocks)
        done;
        let* () = check_logged "three wait" [ "blocks elsewhere"; "blocks elsewhere"; "blocks elsewhere" ] in
        forget (fun () -> make_anywhere "a" Nothing);
        let* () = check_logged "another does not" [ "a elsewhere" ] in
        open_gate true;
        check_logged "the gate" [ "the gate was open"; "the gate was open"; "the gate was open" ]);
    law "a_destructor_calls_OCaml" (fun () ->
        let said = ref [] in
        let say text = said := text :: !said in
        forget (fun () -> make_anywhere "a" (CallsOCaml say));
        forget (fun () -> make_here "b" (CallsOCaml say));
        let* () = check_logged "destructors" [ "a elsewhere"; "b at home" ] in
        eventually "said" (fun () -> String.concat "; " (List.sort compare !said)) "at home; elsewhere");
    law "a_destructor_calls_OCaml_that_raises_and_collects" (fun () ->
        let raises _ =
          Gc.compact ();
          failwith "no"
        in
        let here = make_here "a" (CallsOCaml raises) in
        close_any here;
        let* seen = logged 2 in
        check_bool seen true (contains ~part:"no" seen);
        Lwt.return_unit);
    law "a_destructor_spawns" (fun () ->
        forget (fun () -> make_anywhere "a" Spawns);
        forget (fun () -> make_here "b" Spawns);
        check_logged "destructors" [ "a elsewhere"; "b at home"; "spawned at home"; "spawned at home" ]);
    law "a_destructor_lets_go_of_other_objects" (fun () ->
        let thing = make "closed" in
        forget (fun () -> make_anywhere "a" (LetsGo (make "b")));
        forget (fun () -> make_here "c" (LetsGo (make "d")));
        forget (fun () -> make_anywhere "e" (Closes thing));
        let* () =
          check_logged "destructors"
            [ "a elsewhere"; "b elsewhere"; "c at home"; "closed elsewhere"; "d elsewhere"; "e elsewhere" ]
        in
        refused "closed by a destructor" (fun () -> at_home thing Value));
  ]

(* What a destructor does × where × who lets go. *)

let every_destructor =
  let places =
    let of_ make until until_there name last ~let_go =
      let value = make name last in
      match let_go with
      | `Collector -> Lwt.return_unit
      | `Close ->
          close_any value;
          Lwt.return_unit
      | (`Call | `Call_there) as call ->
          let ended, end_ = Lwt.wait () in
          let call = (if call = `Call then until else until_there) value (fun () -> ended) in
          close_any value;
          let* () = Lwt.pause () in
          Lwt.wakeup end_ ();
          call
    in
    [
      ("anywhere", "elsewhere", of_ make_anywhere until_anywhere until_there);
      ("at_home", "at home", fun name last -> of_ make_here until_here until_there_here name last);
    ]
  in
  let lasts =
    [
      ("panics", (fun () -> (Panics, [])), true);
      ("blocks", (fun () -> (Blocks, [ "the gate was open" ])), false);
      ("calls_OCaml", (fun () -> (CallsOCaml (fun _ -> Gc.full_major ()), [])), false);
      ("calls_OCaml_that_raises", (fun () -> (CallsOCaml (fun _ -> failwith "no"), [ "Failure(\"no\")" ])), false);
      ("spawns", (fun () -> (Spawns, [ "spawned at home" ])), false);
      ("lets_go", (fun () -> (LetsGo (make "other"), [ "other elsewhere" ])), false);
      ("closes", (fun () -> let other = make "other" in (Closes other, [ "other elsewhere" ])), false);
    ]
    [@ocamlformat "disable"]
  in
  let ways = [ ("collector", `Collector); ("close", `Close); ("call_at_home", `Call); ("call_on_tokio", `Call_there) ] in
  List.concat_map
    (fun (last_name, last, panics) ->
      List.concat_map
        (fun (place, where, run) ->
          List.map
            (fun (way, let_go) ->
              law (Printf.sprintf "%s/%s/%s" last_name place way) (fun () ->
                  with_async_hook (fun told ->
                      (* At home nobody else could open it. *)
                      open_gate true;
                      let last, more = last () in
                      let* () = run "it" last ~let_go in
                      let* () = check_logged "it, and what comes of it" (("it " ^ where) :: more) in
                      let panic () = if contains ~part:"in a destructor" (told ()) then "told" else "not told" in
                      if panics then eventually "the panic" panic "told"
                      else begin
                        check_string "nothing is told" "" (told ());
                        Lwt.return_unit
                      end)))
            ways)
        places)
    lasts

(* Many. *)

(* A million, in several laws, since a law has a time. *)
let a_million =
  let kept = ref [] in
  let round n =
    law (Printf.sprintf "many_objects_leave_nothing_%d" n) (fun () ->
        let count = 100_000 in
        let before = small_gone () in
        for i = 1 to count do
          let small = make_small () in
          if i land 1 = 0 then ignore (use_small small);
          if i land 3 = 0 then close_any small
        done;
        let left () =
          Gc.full_major ();
          string_of_int (small_gone () - before)
        in
        let* () = eventually "all are gone" left (string_of_int count) in
        let+ live = memory_live () in
        kept := live :: !kept;
        (* The first two make queues as long as they will be. *)
        match List.rev !kept with
        | _ :: second :: _ when n > 2 ->
            check_bool (Printf.sprintf "memory: %d, then %d" second live) true (live - second < 100_000)
        | _ -> ())
  in
  List.init 10 (fun n -> round (n + 1))

let many =
  [
    law "drops_on_workers_race_with_compactions" (fun () ->
        let count = 20_000 in
        let before = small_gone () in
        for i = 1 to count do
          let small = make_small () in
          race small;
          if i land 1 = 0 then close_any small;
          if i mod 1000 = 0 then Gc.compact ()
        done;
        let left () =
          Gc.compact ();
          string_of_int (small_gone () - before)
        in
        eventually "all are gone" left (string_of_int count));
    law "objects_are_counted" (fun () ->
        let before = (Rust_async.stats ()).objects in
        let thing = make "a" in
        let again = same thing in
        check_int "one" (before + 1) (Rust_async.stats ()).objects;
        close again;
        let* () = check_logged "destructor" [ "a elsewhere" ] in
        eventually "none" (fun () -> string_of_int (Rust_async.stats ()).objects) (string_of_int before));
  ]

(* First: OCaml 5 counts the work of each [Gc.full_major], which other laws call, as done in advance; see test_readers.ml. *)
let sizes =
  [
    law "the_collector_knows_how_large_an_object_is" (fun () ->
        let live () = (Rust_async.stats ()).objects in
        let before = live () and most = ref 0 in
        let rounds make =
          most := 0;
          for _ = 1 to 2_000 do
            forget make;
            most := max !most (live () - before)
          done
        in
        rounds make_large;
        check_bool (Printf.sprintf "a constant: %d at a time" !most) true (!most < 1_000);
        rounds (fun () -> Obj.magic (make_measured 10_000_000));
        check_bool (Printf.sprintf "a function: %d at a time" !most) true (!most < 1_000);
        rounds (fun () -> Obj.magic (make_measured 1));
        check_bool (Printf.sprintf "small ones: %d at a time" !most) true (!most > 1_000);
        Lwt.return_unit);
  ]

let () =
  Alcotest.run "objects"
    [
      ("sizes", sizes);
      ("kinds: endings", endings_of_kinds);
      ("kinds: cancellation", cancelled);
      ("close", closed);
      ("misuse", wrong);
      ("crossings", crossings);
      ("destructors", destructors);
      ("destructors: what they do, where, who lets go", every_destructor);
      ("a million", a_million);
      ("many", many);
    ]
