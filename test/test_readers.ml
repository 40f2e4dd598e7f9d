(* The readers of Rust's streams: what waits for an item lives with all that it holds, what nobody waits for is collected,
   and no item and no ending is lost. *)

open Lwt.Syntax
open Law
open Probe
open Stream_law

let next_number = Rust_half.Readers.readers_next
let channel = Rust_half.Readers.readers_channel
let hand_over = Rust_half.Readers.readers_hand_over
let handle = Rust_half.Readers.readers_handle
let send = Rust_half.Readers.readers_send
let fail = Rust_half.Readers.readers_fail
let end_ = Rust_half.Readers.readers_end
let lives = Rust_half.Readers.readers_lives
let fragile = Rust_half.Readers.readers_fragile
let unspeakable = Rust_half.Readers.readers_unspeakable
let error_and_bomb = Rust_half.Readers.readers_error_and_bomb
let silent = Rust_half.Readers.readers_silent
let numbers = Rust_half.Streams.streams_numbers

(* Streams by their numbers, which are those of their writers. *)
let number () = now (next_number ())

(* As a program does that has other things to do: the loop turns, and the collector runs. *)
let collect ?(times = 3) () =
  let rec go n =
    if n = 0 then Lwt.return_unit
    else begin
      Gc.full_major ();
      let* () = nap () in
      go (n - 1)
    end
  in
  go times

let is_dropped writer =
  eventually "the stream in Rust"
    (fun () ->
      Gc.full_major ();
      if now (lives writer) then "lives" else "is dropped")
    "is dropped"

(* What waits. Each program reads two streams, the second when the first has ended, and is held by nothing but what the
   first one's next item will wake. *)

let[@inline never] started program =
  let first = number () in
  let a = channel () and b = channel () in
  let told = ref "waits" in
  Lwt.async (fun () ->
      let* seen = ending (program a b) in
      (told :=
         match seen with
         | Ok items -> String.concat " " (List.map string_of_int items)
         | Error exn -> Printexc.to_string exn);
      Lwt.return_unit);
  (first, first + 1, told)

let waiting_program_goes_on name program =
  law (name ^ "_goes_on_beside_collections") (fun () ->
      let first, second, told = started program in
      let* () = collect () in
      check_bool "the first item is wanted" true (now (send first 1));
      let* () = collect () in
      now (end_ first);
      let* () = collect () in
      check_bool "the second stream's item is wanted" true (now (send second 2));
      let* () = collect () in
      now (end_ second);
      eventually "what was read" (fun () -> !told) "1 2")

let both a b =
  let* first = Lwt_stream.to_list a in
  let* second = Lwt_stream.to_list b in
  Lwt.return (first @ second)

let waiting =
  [
    waiting_program_goes_on "program_that_reads_one_stream_after_the_other" both;
    waiting_program_goes_on "program_that_reads_one_stream_through_lwt_stream_append" (fun a b ->
        Lwt_stream.to_list (Lwt_stream.append a b));
    waiting_program_goes_on "program_that_reads_one_stream_through_lwt_stream_concat" (fun a b ->
        Lwt_stream.to_list (Lwt_stream.concat (Lwt_stream.of_list [ a; b ])));
    waiting_program_goes_on "program_that_reads_one_stream_through_map_and_filter" (fun a b ->
        both (Lwt_stream.map Fun.id a) (Lwt_stream.filter_s (fun _ -> Lwt.return_true) b));
    waiting_program_goes_on "program_behind_a_mailbox" (fun a b ->
        let box = Lwt_mvar.create_empty () in
        Lwt.async (fun () -> Lwt.bind (Lwt_stream.to_list a) (Lwt_mvar.put box));
        let* first = Lwt_mvar.take box in
        let* second = Lwt_stream.to_list b in
        Lwt.return (first @ second));
    waiting_program_goes_on "program_behind_no_cancel" (fun a b ->
        let* first = Lwt.no_cancel (Lwt_stream.to_list a) in
        let* second = Lwt_stream.to_list b in
        Lwt.return (first @ second));
    waiting_program_goes_on "program_behind_protected" (fun a b ->
        let* first = Lwt.protected (Lwt_stream.to_list a) in
        let* second = Lwt_stream.to_list b in
        Lwt.return (first @ second));
    waiting_program_goes_on "program_that_picks" (fun a b ->
        let* first = Lwt.pick [ Lwt_stream.to_list a; fst (Lwt.task ()) ] in
        let* second = Lwt.choose [ Lwt_stream.to_list b; fst (Lwt.wait ()) ] in
        Lwt.return (first @ second));
    waiting_program_goes_on "program_in_a_handler_that_rust_called" (fun a b ->
        let read, reader = Lwt.wait () in
        let* () = handle (fun () -> Lwt.on_any (both a b) (Lwt.wakeup reader) (Lwt.wakeup_exn reader)) in
        read);
    waiting_program_goes_on "program_of_another_thread" (fun a b ->
        Lwt_preemptive.detach (fun () -> Lwt_preemptive.run_in_main (fun () -> both a b)) ());
    law "finalisers_run_on_nothing_that_a_waiting_reader_holds" (fun () ->
        let finalised = ref [] in
        let note name = finalised := name :: !finalised in
        let[@inline never] start () =
          let writer = number () in
          let stream = channel () in
          let connection = ref 7 in
          Gc.finalise (fun _ -> note "connection") connection;
          Gc.finalise_last (fun () -> note "connection, last") connection;
          let weak = Weak.create 1 in
          Weak.set weak 0 (Some connection);
          let told = ref "" in
          Lwt.async (fun () ->
              let* item = Lwt_stream.get stream in
              told := Printf.sprintf "%d %d" (Option.get item) !connection;
              Lwt.return_unit);
          (writer, weak, told)
        in
        let writer, weak, told = start () in
        let* () = collect ~times:5 () in
        check_string "finalised" "" (String.concat ", " !finalised);
        check_bool "weak pointer" true (Weak.check weak 0);
        check_bool "wanted" true (now (send writer 1));
        let* () = eventually "read" (fun () -> !told) "1 7" in
        now (end_ writer);
        eventually "finalised"
          (fun () ->
            Gc.full_major ();
            String.concat ", " (List.sort compare !finalised))
          "connection, connection, last");
    law "thousand_waiting_readers_outlive_collections" (fun () ->
        let told = ref 0 in
        let[@inline never] start () =
          List.init 1000 (fun i ->
              let writer = number () in
              let stream = channel () in
              Lwt.async (fun () ->
                  let* item = Lwt_stream.get stream in
                  if item = Some i then incr told;
                  Lwt.return_unit);
              writer)
        in
        let writers = start () in
        let* () = collect () in
        List.iteri (fun i writer -> if not (now (send writer i)) then Alcotest.failf "stream %d is gone" i) writers;
        let* () = eventually "read" (fun () -> string_of_int !told) "1000" in
        List.iter (fun writer -> now (end_ writer)) writers;
        Lwt.return_unit);
  ]

(* What does not wait any more, and who comes after. *)

let cancelled_get stream =
  let get = Lwt_stream.get stream in
  Lwt.cancel get;
  let* seen = ending get in
  Lwt.return (check_bool "canceled" true (seen = Error Lwt.Canceled))

let giving_up =
  [
    law "silent_stream_that_nobody_waits_for_any_more_is_dropped" (fun () ->
        let[@inline never] start () =
          let writer = number () in
          let stream = channel () in
          let* () = cancelled_get stream in
          Lwt.return writer
        in
        let* writer = start () in
        is_dropped writer);
    law "thousand_streams_that_nobody_waits_for_any_more_are_dropped" (fun () ->
        let[@inline never] start () =
          Lwt_list.map_s
            (fun _ ->
              let writer = number () in
              let stream = channel () in
              let* () = cancelled_get stream in
              Lwt.return writer)
            (upto 1000)
        in
        let* writers = start () in
        Lwt_list.iter_s is_dropped writers);
  ]
  @ List.map
      (fun times ->
        (* Whether the collector and the loop have noticed that nobody waits, or not yet. *)
        law (Printf.sprintf "reader_that_comes_%d_collections_after_all_others_gave_up_waits_as_any" times) (fun () ->
            let told = ref "waits" in
            let[@inline never] start () =
              let writer = number () in
              let stream = channel () in
              let* () = cancelled_get stream in
              let* () = collect ~times () in
              Lwt.async (fun () ->
                  let* item = Lwt_stream.get stream in
                  (told := match item with Some item -> string_of_int item | None -> "end");
                  Lwt.return_unit);
              Lwt.return writer
            in
            let* writer = start () in
            for _ = 1 to 5 do
              Gc.full_major ()
            done;
            let* () = collect () in
            check_bool "wanted" true (now (send writer 1));
            let* () = eventually "read" (fun () -> !told) "1" in
            Lwt.return (now (end_ writer))))
      [ 0; 1; 2; 3; 5 ]
  @ List.concat_map
      (fun times ->
        let name what = Printf.sprintf "%s_after_%d_collections_without_a_reader_is_read" what times in
        let given_up program () =
          let writer = number () in
          let stream = channel () in
          let* () = cancelled_get stream in
          let* () = collect ~times () in
          let* () = program writer in
          let* () = collect ~times () in
          read_all stream
        in
        [
          law (name "item") (fun () ->
              let* items, seen =
                given_up
                  (fun writer ->
                    check_bool "wanted" true (now (send writer 0));
                    let* () = nap () in
                    check_bool "wanted" true (now (send writer 1));
                    Lwt.return (now (end_ writer)))
                  ()
              in
              check_items "items" [ 0; 1 ] items;
              Lwt.return (check_string "ending" "end" seen));
          law (name "end") (fun () ->
              let* items, seen = given_up (fun writer -> Lwt.return (now (end_ writer))) () in
              check_items "items" [] items;
              Lwt.return (check_string "ending" "end" seen));
          law (name "error") (fun () ->
              let* items, seen =
                given_up
                  (fun writer ->
                    check_bool "wanted" true (now (send writer 0));
                    Lwt.return (now (fail writer)))
                  ()
              in
              check_items "items" [ 0 ] items;
              Lwt.return (check_string "ending" "Rust_async.Rust_error: the writer failed" seen));
        ])
      [ 0; 2 ]
  @ [
      law "reader_that_gave_up_beside_one_that_waits_changes_nothing" (fun () ->
          let told = ref "waits" in
          let[@inline never] start () =
            let writer = number () in
            let stream = channel () in
            let clone = Lwt_stream.clone stream in
            let given_up = Lwt_stream.get stream in
            Lwt.async (fun () ->
                let* item = Lwt_stream.get clone in
                (told := match item with Some item -> string_of_int item | None -> "end");
                Lwt.return_unit);
            Lwt.cancel given_up;
            writer
          in
          let writer = start () in
          let* () = collect ~times:5 () in
          check_bool "wanted" true (now (send writer 1));
          let* () = eventually "read" (fun () -> !told) "1" in
          Lwt.return (now (end_ writer)));
      law "error_that_nobody_reads_goes_with_its_stream" (fun () ->
          let[@inline never] start () =
            let writer = number () in
            let stream = channel () in
            let* () = cancelled_get stream in
            now (fail writer);
            Lwt.return (ignore (Sys.opaque_identity stream))
          in
          start ());
    ]

(* Endings. *)

let fragile_laws =
  List.concat_map
    (fun (items, converts_not, drops_not) ->
      List.concat_map
        (fun window ->
          List.map
            (fun one_by_one ->
              law
                (Printf.sprintf "of_%d_items_%d_does_not_convert_and_%d_not_drop_window_%d%s" items converts_not drops_not
                   window
                   (if one_by_one then "_one_by_one" else ""))
                (fun () ->
                  let* stream = fragile items converts_not drops_not window one_by_one in
                  let* read, seen = read_all stream in
                  (* An item that does not drop has crossed. *)
                  let before = min (min converts_not (drops_not + 1)) items in
                  check_items "items" (upto before) read;
                  let why = if drops_not < converts_not then "drop" else "convert" in
                  let number = min drops_not converts_not in
                  check_bool seen true
                    (starts_with ~prefix:(Printf.sprintf "Rust_async.Rust_panic: %d does not %s" number why) seen);
                  let* again = get stream in
                  Lwt.return (check_bool "nothing comes behind it" true (again = None))))
            [ false; true ])
        [ 1; 2; 16; 100 ])
    [ (20, 3, 1000); (20, 0, 1000); (20, 15, 1000); (20, 16, 1000); (20, 19, 1000); (40, 3, 5); (40, 20, 3); (40, 0, 0); (40, 0, 1) ]

let endings =
  fragile_laws
  @ [
      law "error_without_words_is_a_panic" (fun () ->
          let* items, seen = read_all (unspeakable 3) in
          check_items "items" [ 0; 1; 2 ] items;
          Lwt.return (check_bool seen true (starts_with ~prefix:"Rust_async.Rust_panic: no words for it" seen)));
      law "destructor_that_panics_leaves_the_error_before_it" (fun () ->
          let* items, seen = read_all (error_and_bomb ()) in
          check_items "items" [ 0 ] items;
          Lwt.return (check_string "ending" "Rust_async.Rust_error: the stream failed" seen));
    ]

(* Memory, without a full collection. *)

let some = 20_000

(* What OCaml's heap and Rust's have in them when so many streams came and went, and twice as many again. What is to be collected
   comes and goes with the collector, so it is looked at again when more have come and gone; what is not collected would only be more
   each time. *)
let flat name (stream : int -> unit Lwt.t) =
  law name (fun () ->
      let rec streams n =
        if n = 0 then Lwt.return_unit
        else
          let* () = stream n in
          let* () = if n land 15 = 0 then Lwt.pause () else Lwt.return_unit in
          streams (n - 1)
      in
      let size () =
        let { Rust_async.roots; tasks; _ } = Rust_async.stats () in
        ((Gc.quick_stat ()).heap_words, now (live_memory ()), roots, tasks)
      in
      let* () = streams some in
      let words, bytes, _, _ = size () in
      let rec look left =
        let* () = streams (2 * some) in
        let words', bytes', roots, tasks = size () in
        let more = (words' - words, bytes' - bytes) in
        let is_flat = fst more < 20 * some && snd more < 100 * some && roots < some && tasks < some in
        if (not is_flat) && left > 0 then look (left - 1)
        else
          let what = Printf.sprintf "%d words more, %d bytes more in Rust, %d roots, %d tasks" (fst more) (snd more) roots tasks in
          Lwt.return (check_bool what true is_flat)
      in
      look 9)

let memory =
  [
    flat "streams_that_are_read_to_their_ends_leave_nothing" (fun _ ->
        let* sum = Lwt_stream.fold ( + ) (numbers 50) 0 in
        Lwt.return (check_int "sum" (50 * 49 / 2) sum));
    flat "streams_that_are_begun_leave_nothing" (fun _ ->
        let* item = Lwt_stream.get (numbers 50) in
        Lwt.return (check_bool "item" true (item = Some 0)));
    flat "streams_that_are_never_read_leave_nothing" (fun _ ->
        ignore (Sys.opaque_identity (silent ()));
        Lwt.return_unit);
    flat "streams_that_functions_are_given_leave_nothing" (fun _ -> hand_over (fun _ -> ()));
    flat "streams_whose_readers_gave_up_leave_nothing" (fun _ ->
        Lwt.cancel (Lwt_stream.get (silent ()));
        Lwt.return_unit);
  ]

(* Memory first: OCaml 5 counts the work of each [Gc.full_major], which the other laws call by the hundred, as done in advance, and
   collects nothing until as much was allocated ([work_counter] in major_gc.c, 5.3). *)
let () =
  Alcotest.run "readers"
    [ ("memory", memory); ("waiting", waiting); ("giving up", giving_up); ("endings", endings) ]
