(* Nothing of what crosses is lost, and nothing is kept, whenever the GC runs. *)

open Lwt.Syntax
open Law
open Crossings
open Probe

external race :
  int Lwt.t -> int Lwt.t -> (int -> int Lwt.t) -> (int -> int Lwt.t) -> int Lwt.t -> 'a -> int -> unit Lwt.t
  = "interop_tests__gc_race_bytecode" "interop_tests__gc_race"

external drop_one_by_one : place -> 'a array -> unit Lwt.t = "interop_tests__gc_drop_one_by_one"
let stats = Rust_half.Gc.gc_stats

let each name disturb times =
  List.map
    (fun (crossing, program) ->
      law (name ^ "/" ^ crossing) (fun () ->
          let rec go n =
            if n = times then Lwt.return_unit
            else
              let* () = Minor_heap.disturbing (disturb n) program in
              go (n + 1)
          in
          go 0))
    all

let turns_between = [ Gc.minor; Gc.full_major; Gc.compact ]

let at_a_full_minor_heap =
  law_now "filled_minor_heap_has_the_room_that_was_asked_for" (fun () ->
      let collections words =
        Minor_heap.fill 64;
        let before = (Gc.quick_stat ()).minor_collections in
        for _ = 1 to words / 2 do
          ignore (Sys.opaque_identity (ref 0))
        done;
        (Gc.quick_stat ()).minor_collections - before
      in
      (* [quick_stat] itself takes some of it. *)
      check_int "more than there is room for" 1 (collections 80);
      Gc.minor ();
      check_bool "less" true (collections 2 <= 1))

(* What is alive afterwards is what was alive before, to the byte in Rust. *)

let kept () =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects = _; loans = _ } = Rust_async.stats () in
  (tasks, subscriptions, roots)

let leaves_nothing (name, (program : unit -> unit Lwt.t)) =
  law (name ^ "_leaves_nothing") (fun () ->
      let rec times n = if n = 0 then Lwt.return_unit else Lwt.bind (program ()) (fun () -> times (n - 1)) in
      let before = kept () and objects = (Rust_async.stats ()).objects in
      let read () = if kept () = before && (Rust_async.stats ()).objects = objects then "nothing" else "something" in
      (* As often as below: the queues become as long as they will be. *)
      let* () = times 100 in
      let* () = eventually "it leaves" read "nothing" in
      let bytes = now (live_memory ()) in
      let* () = times 100 in
      let* () = eventually "it leaves" read "nothing" in
      check_bool "as Rust counts" true (now (stats ()) = before);
      (* The wakers, queues and threads of Tokio are not the bridge's: they may keep some, but not some for each. *)
      rust_keeps_little ~than:bytes (100 * 8))

(* Racing drops. *)

let racing name count beside =
  law name (fun () ->
      beside (fun () ->
          let settled = fst (Lwt.task ()) in
          let rec rounds n =
            if n = 0 then Lwt.return_unit
            else
              let pending = fst (Lwt.wait ()) in
              let* () =
                race (Lwt.return n) pending
                  (fun i -> Lwt.return (i + n))
                  (fun i -> Lwt.map (( + ) i) (Lwt.pause () |> Lwt.map (fun () -> n)))
                  (Lwt.fail (Refused (string_of_int n)))
                  (ref n) (n land 7)
              in
              if n mod 64 = 0 then Gc.full_major () else if n land 3 = 0 then Gc.minor ();
              let* () = if n land 15 = 0 then Lwt.pause () else Lwt.return_unit in
              rounds (n - 1)
          in
          let* () = rounds (count / 8) in
          check_bool "another promise" true (Lwt.is_sleeping settled);
          Lwt.return_unit))

(* Compaction threads lists through the roots, from one pass to the next. *)
let compacting place =
  law ("roots_may_be_dropped_while_the_heap_is_compacted/" ^ in_place place) (fun () ->
      let rec rounds n =
        if n = 0 then Lwt.return_unit
        else begin
          now (drop_one_by_one place (Array.init 5_000 (fun i -> ref i)));
          for _ = 1 to 5 do
            Gc.compact ()
          done;
          let* () = Lwt.pause () in
          rounds (n - 1)
        end
      in
      rounds 10)

(* OCaml code that runs at any point of OCaml's: finalisers and signal handlers call Rust. Those that a blocking thread comes upon run
   on its thread, where Rust cannot be called. *)

let at_home () = Thread.id (Thread.self ()) = 0

let finalisers =
  law "finaliser_may_call_rust" (fun () ->
      let called = ref 0 and late = ref [] in
      let finalised i =
        if at_home () then begin
          incr called;
          check_bool "value" true (compare (now (make "f" false)) [||] <> 0);
          if i land 7 = 0 then late := string text true :: !late
        end
      in
      let garbage () =
        for i = 1 to 50 do
          let value = ref i in
          Gc.finalise (fun value -> finalised !value) (Sys.opaque_identity value)
        done
      in
      let rec rounds n =
        if n = 0 then Lwt.return_unit
        else begin
          garbage ();
          let* () = Lwt_list.iter_s (fun (_, program) -> program ()) (List.filteri (fun i _ -> (i + n) mod 5 = 0) all) in
          rounds (n - 1)
        end
      in
      let* () = Minor_heap.disturbing (fun () -> Minor_heap.fill 100) (fun () -> rounds 10) in
      Gc.full_major ();
      let* texts = Lwt.all !late in
      check_bool "called" true (!called > 100);
      check_bool "texts" true (List.for_all (( = ) text) texts);
      Lwt.return_unit)

let signals =
  law "signal_handler_may_call_rust" (fun () ->
      let called = ref 0 and late = ref [] in
      let handler _ =
        if at_home () then begin
          incr called;
          ignore (now (make "f" false));
          if !called land 15 = 0 then late := string text true :: !late
        end
      in
      let before = Sys.signal Sys.sigusr1 (Sys.Signal_handle handler) in
      let self = Unix.getpid () in
      let rec rounds n =
        if n = 0 then Lwt.return_unit
        else
          let* () =
            Lwt_list.iteri_s
              (fun i (_, program) ->
                if (i + n) mod 3 = 0 then Unix.kill self Sys.sigusr1;
                program ())
              all
          in
          rounds (n - 1)
      in
      let* () = rounds 3 in
      let* texts = Lwt.all !late in
      Sys.set_signal Sys.sigusr1 before;
      check_bool "called" true (!called > 10);
      check_bool "texts" true (List.for_all (( = ) text) texts);
      Lwt.return_unit)

let () =
  Alcotest.run "gc"
    [
      ("a collection at every allocation", at_a_full_minor_heap :: each "crossing_survives" (fun n () -> Minor_heap.fill n) 128);
      ( "collections in between",
        each "crossing_survives_full_collections" (fun n -> List.nth turns_between (n mod 3)) 3 );
      ("what is left", List.map leaves_nothing all);
      ( "races",
        [
          racing "racing_drops_leave_nothing" 20_000 (fun f -> f ());
          racing "racing_drops_beside_a_collector_leave_nothing" 20_000 Collector.beside;
          compacting Domain;
          compacting Tokio;
          compacting Thread;
          finalisers;
          signals;
        ]
        @ [
            law "crossings_beside_a_collector_survive" (fun () ->
                Collector.beside (fun () ->
                    let rec rounds n =
                      if n = 0 then Lwt.return_unit
                      else
                        let* () = Lwt_list.iter_s (fun (_, program) -> program ()) all in
                        rounds (n - 1)
                    in
                    rounds 5));
          ] );
    ]
