(* Destructors of objects: what they do, where, and who lets go; and many objects, of which nothing is left. *)

open Law
open Lwt.Syntax
open Object_law

let hold = Rust_half.Destructors.destructors_hold
let make_anywhere = Rust_half.Destructors.Anywhere.make
let until_anywhere = Rust_half.Destructors.Anywhere.until
let until_there = Rust_half.Destructors.Anywhere.until_there
let until_here = Rust_half.Destructors.AtHome.until
let until_there_here = Rust_half.Destructors.AtHome.until_there
let open_gate = Rust_half.Destructors.destructors_open_gate
let use_small = Rust_half.Destructors.Small.use_it
let race = Rust_half.Destructors.Small.race
let small_gone = Rust_half.Destructors.destructors_small_gone
let make_large = Rust_half.Destructors.destructors_large
let make_measured = Rust_half.Destructors.Measured.make
let memory_live = Rust_half.Memory.memory_live

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
    law "what_a_weak_pointer_gives_is_the_object_and_no_copy" (fun () ->
        let[@inline never] used () =
          let weak = Weak.create 1 and thing = make "it" in
          Weak.set weak 0 (Some thing);
          let copies = List.init 10 (fun _ -> Option.get (Weak.get_copy weak 0)) in
          List.iter (fun copy -> check_bool "the same" true (copy == thing)) copies;
          Lwt_list.iter_s (fun copy -> Lwt.map ignore (at_home copy Value)) copies
        in
        let* () = used () in
        check_logged "once" [ "it elsewhere" ]);
    law "methods_are_called_and_objects_go_on_every_thread" (fun () ->
        let call n () =
          let thing = make (string_of_int n) in
          check_string "its value" (string_of_int n) (Rust_half.Objects.Thing.sync thing Value);
          if n mod 2 = 0 then close thing
        in
        List.iter Thread.join (List.init 10 (fun n -> Thread.create (call n) ()));
        check_logged "all" (List.init 10 (fun n -> string_of_int n ^ " elsewhere")));
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
        (* What was collected goes on another thread, which may be late. *)
        let rec still_there patience =
          let left = live () - before in
          if left < 1_000 || patience = 0 then left
          else begin
            Thread.delay 0.001;
            still_there (patience - 1)
          end
        in
        let rounds ?(patience = 5_000) make =
          most := 0;
          for _ = 1 to 2_000 do
            forget make;
            most := max !most (still_there patience)
          done
        in
        rounds make_large;
        check_bool (Printf.sprintf "a constant: %d at a time" !most) true (!most < 1_000);
        rounds (fun () -> Obj.magic (make_measured 10_000_000));
        check_bool (Printf.sprintf "a function: %d at a time" !most) true (!most < 1_000);
        rounds ~patience:0 (fun () -> Obj.magic (make_measured 1));
        check_bool (Printf.sprintf "small ones: %d at a time" !most) true (!most > 1_000);
        Lwt.return_unit);
  ]

let () =
  Alcotest.run "destructors"
    [
      ("sizes", sizes);
      ("laws", destructors);
      ("what they do, where, who lets go", every_destructor);
      ("a million", a_million);
      ("many", many);
    ]
