(* Streams both ways: every ending, every thread, what is given up at either end, windows, a million items. *)

open Lwt.Syntax
open Law
open Probe

(* What comes behind the last item of a Rust stream; [Ending] in streams.rs. *)
type behind = Rust_half.stream_ending = End | Error | Panic | Never

let begin_ = Rust_half.Streams.streams_begin
let counts = Rust_half.Streams.streams_counts
let script = Rust_half.Streams.streams_script
let windowed = Rust_half.Streams.streams_windowed

let argument = Rust_half.Streams.streams_argument

let numbers = Rust_half.Streams.streams_numbers
let promised = Rust_half.Streams.streams_promised
let later = Rust_half.Streams.streams_later
let rejected = Rust_half.Streams.streams_rejected
let panicking_function = Rust_half.Streams.streams_panicking_function
let fragile = Rust_half.Streams.streams_fragile
let bomb = Rust_half.Streams.streams_bomb
external twice : (int Lwt_stream.t -> int Lwt_stream.t -> unit) -> unit Lwt.t = "interop_tests__streams_twice"
let read_in = Rust_half.Streams.streams_read
let sum_in = Rust_half.Streams.streams_sum
let take_in = Rust_half.Streams.streams_take
let give_up_in = Rust_half.Streams.streams_give_up
let hold = Rust_half.Streams.streams_hold
let release_in = Rust_half.Streams.streams_release
let called_in = Rust_half.Streams.streams_called

type request = Rust_half.request = { path : string; body : string Lwt_stream.t; length : int option }
type response = Rust_half.response = { status : int; out : string Lwt_stream.t; reason : string }

let request = Rust_half.Streams.streams_request
let strings = Rust_half.Streams.streams_strings
let measure_in = Rust_half.Streams.streams_measure

(* Those of the tables, which take their time; every law of its own is shown in all. *)
let few_places = [ Domain; Tokio; Thread ]
let waits = [ At_once; Yield; Tokio_timer; Lwt_timer; Tokio_task; Plain_thread ]
let upto n = List.init n Fun.id
let check_items what expected seen = Alcotest.(check (list int)) what expected seen
let check_exn what expected seen = check_string what expected (Printexc.to_string seen)

(* A law about Rust streams, of which so many are dropped in the end, at home. *)
let stream_law ?(dropped = 1) name program =
  law name (fun () ->
      let* () = begin_ () in
      let* () = program () in
      eventually "streams dropped, and where"
        (fun () ->
          Gc.full_major ();
          let _, dropped, misplaced = now (counts ()) in
          Printf.sprintf "%d, %d elsewhere" dropped misplaced)
        (Printf.sprintf "%d, 0 elsewhere" dropped))

let given () =
  let given, _, _ = now (counts ()) in
  given

let dropped () =
  let _, dropped, _ = now (counts ()) in
  dropped

(* From Lwt 5.7 on a read that fails at once raises. *)
let get stream = Lwt.apply Lwt_stream.get stream

(* All items, and how it ended. *)
let read_all stream =
  let rec read items =
    let* next = ending (get stream) in
    match next with
    | Ok (Some item) -> read (item :: items)
    | Ok None -> Lwt.return (List.rev items, "end")
    | Error exn -> Lwt.return (List.rev items, Printexc.to_string exn)
  in
  read []

let name_of_behind = function End -> "end" | Error -> "error" | Panic -> "panic" | Never -> "never"

let check_ending behind seen =
  let prefix =
    match behind with
    | End | Never -> "end"
    | Error -> "Rust_async.Rust_error: the end"
    | Panic -> "Rust_async.Rust_panic: the end, at test/src/streams.rs"
  in
  check_bool seen true (starts_with ~prefix seen)

(* rust_to_lwt *)

let rust_to_lwt_matrix =
  List.concat_map
    (fun wait ->
      List.concat_map
        (fun behind ->
          let name = Printf.sprintf "items_that_come_%s_then_%s" (after wait) (name_of_behind behind) in
          let check stream =
            let* items, seen = read_all stream in
            check_items "items" (upto 50) items;
            check_ending behind seen;
            let* again = Lwt_stream.get stream in
            Lwt.return (check_bool "nothing comes behind the ending" true (again = None))
          in
          stream_law name (fun () -> check (script 50 wait behind nap))
          :: List.map
               (fun window ->
                 stream_law (Printf.sprintf "%s_window_%d" name window) (fun () ->
                     Lwt.bind (windowed 50 wait behind nap window) check))
               [ 1; 2; 1000 ]
          @ List.map
              (fun place ->
                stream_law (name ^ "_argument_" ^ in_place place) (fun () ->
                    let* n =
                      argument place 50 wait behind nap (fun stream ->
                          let* () = check stream in
                          Lwt.return 7)
                    in
                    Lwt.return (check_int "value" 7 n)))
              few_places)
        [ End; Error; Panic ])
    waits

let rust_to_lwt =
  [
    law "function_gives_the_stream_and_async_function_its_promise" (fun () ->
        let* items = Lwt_stream.to_list (numbers 1000) in
        check_items "at once" (upto 1000) items;
        let* items = Lwt.bind (promised 100) Lwt_stream.to_list in
        check_items "promised" (upto 100) items;
        let* items = Lwt.bind (later 100) Lwt_stream.to_list in
        check_items "later" (upto 100) items;
        let* failed = ending (promised (-1)) in
        Lwt.return
          (match failed with
          | Error (Rust_async.Rust_error { message = "negative"; _ }) -> ()
          | _ -> Alcotest.fail "the promise of a stream is rejected as any other"));
    law "empty_stream_ends" (fun () ->
        let* items = Lwt_stream.to_list (numbers 0) in
        Lwt.return (check_items "items" [] items));
    law "exception_that_came_from_ocaml_ends_the_stream_as_itself" (fun () ->
        let exn = Refused (string_of_int 7) in
        let* seen = ending (get (rejected (Lwt.fail exn))) in
        Lwt.return (check_bool "the same" true (match seen with Error same -> same == exn | Ok _ -> false)));
    law "panic_of_the_function_is_raised_by_the_call" (fun () ->
        (match panicking_function true with
        | exception Rust_async.Rust_panic { message; _ } -> check_string "message" "no stream" message
        | _ -> Alcotest.fail "no panic");
        let* items = Lwt_stream.to_list (panicking_function false) in
        Lwt.return (check_items "items" [] items));
    law "panic_of_a_conversion_comes_behind_the_items_before_it" (fun () ->
        let* items, seen = read_all (fragile ()) in
        check_items "items" [ 0; 1; 2 ] items;
        Lwt.return (check_bool seen true (contains ~part:"the third does not convert" seen)));
    law "panic_of_a_destructor_ends_the_stream" (fun () ->
        let* items, seen = read_all (bomb ()) in
        check_items "items" [] items;
        Lwt.return (check_bool seen true (starts_with ~prefix:"Rust_async.Rust_panic: dropped" seen)));
    law "second_conversion_of_a_stream_is_refused" (fun () ->
        let* seen = ending (twice (fun _ _ -> ())) in
        Lwt.return
          (match seen with
          | Error (Rust_async.Rust_panic { message; _ }) ->
              check_bool message true (contains ~part:"for the second time" message)
          | _ -> Alcotest.fail "no panic"));
    stream_law "nothing_is_polled_before_the_first_read" (fun () ->
        let stream = script 50 At_once End nap in
        let* () = nap () in
        let* () = nap () in
        check_int "given" 0 (given ());
        let* items = Lwt_stream.to_list stream in
        Lwt.return (check_items "items" (upto 50) items));
    stream_law "clones_read_the_same_items" (fun () ->
        let stream = script 50 Yield End nap in
        let clone = Lwt_stream.clone stream in
        let* items = Lwt_stream.to_list stream and* clones = Lwt_stream.to_list clone in
        check_items "items" (upto 50) items;
        Lwt.return (check_items "items of the clone" (upto 50) clones));
    stream_law "cancelled_read_loses_no_item" (fun () ->
        let stream = script 20 Lwt_timer End nap in
        let rec read items =
          let get = Lwt_stream.get stream in
          Lwt.cancel get;
          let* next = ending get in
          match next with
          | Ok (Some item) -> read (item :: items)
          | Ok None -> Lwt.return (List.rev items)
          | Error Lwt.Canceled -> (
              let* next = Lwt_stream.get stream in
              match next with Some item -> read (item :: items) | None -> Lwt.return (List.rev items))
          | Error exn -> Lwt.fail exn
        in
        let* items = read [] in
        Lwt.return (check_items "items" (upto 20) items));
  ]

(* A slow reader stops a fast writer. *)
let windows =
  List.map
    (fun (window, wait) ->
      stream_law
        (Printf.sprintf "slow_reader_is_ahead_of_by_the_window_of_%d_%s" window (after wait))
        (fun () ->
          let* stream = windowed 1000 wait End nap window in
          let rec read expected =
            let* item = Lwt_stream.get stream in
            match item with
            | None -> Lwt.return (check_int "items" 1000 expected)
            | Some item ->
                check_int "item" expected item;
                let* () = if expected mod 100 = 0 then nap () else Lwt.pause () in
                (* The item that was read is counted too. *)
                let ahead = given () - (item + 1) in
                check_bool (Printf.sprintf "%d ahead" ahead) true (ahead <= window);
                read (expected + 1)
          in
          read 0))
    [ (1, At_once); (16, At_once); (100, At_once); (1, Yield); (16, Yield); (16, Tokio_task) ]
  @ [
      stream_law "reader_that_stops_stops_the_writer" (fun () ->
          let* stream = windowed 1000 At_once End nap 16 in
          let* item = Lwt_stream.get stream in
          check_bool "item" true (item = Some 0);
          let* () = nap () in
          let* () = nap () in
          check_int "given" 16 (given ());
          let* rest = Lwt_stream.to_list stream in
          Lwt.return (check_int "the rest" 999 (List.length rest)));
      stream_law "items_are_read_ahead_while_the_reader_is_busy" (fun () ->
          let* stream = windowed 1000 Yield End nap 16 in
          let* item = Lwt_stream.get stream in
          check_bool "item" true (item = Some 0);
          let* () = eventually "given" (fun () -> string_of_int (given ())) "16" in
          let* rest = Lwt_stream.to_list stream in
          Lwt.return (check_int "the rest" 999 (List.length rest)));
    ]

(* OCaml lets go. The streams are made in functions of their own, so that no frame holds them. *)
let[@inline never] abandoned make use = Lwt.bind (make ()) (fun stream -> use stream)

let rust_stream_is_dropped () =
  eventually "dropped"
    (fun () ->
      Gc.full_major ();
      string_of_int (dropped ()))
    "1"

let letting_go =
  let never wait () = Lwt.return (script 10 wait Never nap) in
  let law name make use =
    stream_law name (fun () ->
        let* () = abandoned make use in
        rust_stream_is_dropped ())
  in
  [
    law "stream_that_was_never_read_is_dropped_when_collected" (never At_once) (fun _ -> Lwt.return_unit);
    law "stream_with_items_left_is_dropped_when_collected" (never At_once) (fun stream ->
        Lwt.map ignore (Lwt_stream.get stream));
    law "stream_that_wakes_is_dropped_when_collected" (never Lwt_timer) (fun stream ->
        Lwt.map ignore (Lwt_stream.get stream));
    law "stream_whose_reader_was_cancelled_is_dropped_when_collected" (never At_once) (fun stream ->
        let* _ = Lwt_stream.nget 10 stream in
        let get = Lwt_stream.get stream in
        let* () = nap () in
        Lwt.cancel get;
        Lwt.return_unit);
    law "stream_whose_reader_timed_out_is_dropped_when_collected" (never Yield) (fun stream ->
        Lwt.catch
          (fun () -> Lwt_unix.with_timeout 0.01 (fun () -> Lwt_stream.iter ignore stream))
          (function Lwt_unix.Timeout -> Lwt.return_unit | exn -> Lwt.fail exn));
    law "stream_whose_readers_were_all_cancelled_is_dropped_when_collected" (never At_once) (fun stream ->
        let* _ = Lwt_stream.nget 10 stream in
        let clone = Lwt_stream.clone stream in
        let gets = List.init 100 (fun i -> Lwt_stream.get (if i mod 2 = 0 then stream else clone)) in
        let* () = nap () in
        List.iter Lwt.cancel gets;
        Lwt.return_unit);
    stream_law "stream_that_is_waited_for_by_nobody_known_goes_on" (fun () ->
        let finished, finish = Lwt.wait () in
        let read = ref [] in
        let[@inline never] start () =
          let stream = script 10 Lwt_timer End (fun () -> Lwt.map (fun () -> Gc.full_major ()) (nap ())) in
          Lwt.async (fun () ->
              let* () = Lwt_stream.iter (fun item -> read := item :: !read) stream in
              Lwt.return (Lwt.wakeup finish ()))
        in
        start ();
        let* () = finished in
        Lwt.return (check_items "items" (List.rev (upto 10)) !read));
    stream_law "clone_that_is_waited_for_outlives_its_stream" (fun () ->
        let finished, finish = Lwt.wait () in
        let go, gone = Lwt.wait () in
        let[@inline never] start () =
          let stream = script 1 Lwt_timer End (fun () -> go) in
          let clone = Lwt_stream.clone stream in
          Lwt.cancel (Lwt_stream.get stream);
          Lwt.async (fun () ->
              let* item = Lwt_stream.get clone in
              Lwt.return (Lwt.wakeup finish item))
        in
        start ();
        let* () = nap () in
        Gc.full_major ();
        Gc.full_major ();
        check_int "dropped" 0 (dropped ());
        Lwt.wakeup gone ();
        let* item = finished in
        Lwt.return (check_bool "item" true (item = Some 0)));
  ]
  @ List.map
      (fun (name, through) ->
        stream_law (Printf.sprintf "stream_behind_%s_lives_until_its_next_item" name) (fun () ->
            let arrived, arrive = Lwt.wait () in
            let[@inline never] read_and_cancel () =
              let get = Lwt_stream.get (through (script 1 Lwt_timer Never (fun () -> arrived))) in
              let* () = nap () in
              Lwt.cancel get;
              let* seen = ending get in
              Lwt.return (check_bool "canceled" true (seen = Error Lwt.Canceled))
            in
            let* () = read_and_cancel () in
            let rec collections n =
              Gc.full_major ();
              check_int "dropped" 0 (dropped ());
              if n = 0 then Lwt.return_unit else Lwt.bind (nap ()) (fun () -> collections (n - 1))
            in
            let* () = collections 5 in
            check_int "given" 0 (given ());
            Lwt.wakeup arrive ();
            rust_stream_is_dropped ()))
      [
        ("a_map", Lwt_stream.map Fun.id);
        ("a_map_s", Lwt_stream.map_s Lwt.return);
        ("a_filter", Lwt_stream.filter (fun _ -> true));
      ]

(* lwt_to_rust *)

(* Streams of 0 … 49 and an ending, by every way to make one. *)
let behind ending () = match ending with None -> Lwt.return_none | Some exn -> Lwt.fail exn

let from wait ending () =
  let n = ref (-1) in
  Lwt_stream.from (fun () ->
      incr n;
      let* () = wait () in
      if !n < 50 then Lwt.return_some !n else behind ending ())

let sources =
  [
    ("a_list", fun _ -> Lwt_stream.of_list (upto 50));
    ("a_function_that_pauses", fun ending -> from Lwt.pause ending ());
    ("a_function_that_sleeps", fun ending -> from nap ending ());
    ("a_function_that_is_ready", fun ending -> from Lwt.return ending ());
    ( "a_function_that_bursts",
      fun ending ->
        let n = ref 0 in
        from
          (fun () ->
            incr n;
            if !n mod 7 = 0 then Lwt.pause () else Lwt.return_unit)
          ending () );
    ( "a_function_without_promises",
      fun ending ->
        let n = ref (-1) in
        Lwt_stream.from_direct (fun () ->
            incr n;
            if !n < 50 then Some !n else match ending with None -> None | Some exn -> raise exn) );
    ( "pushes",
      fun _ ->
        let stream, push = Lwt_stream.create () in
        Lwt.async (fun () ->
            let* () =
              Lwt_list.iter_s
                (fun n ->
                  push (Some n);
                  if n mod 3 = 0 then Lwt.pause () else Lwt.return_unit)
                (upto 50)
            in
            Lwt.return (push None));
        stream );
    ( "bounded_pushes",
      fun _ ->
        let stream, push = Lwt_stream.create_bounded 3 in
        Lwt.async (fun () ->
            let* () = Lwt_list.iter_s push#push (upto 50) in
            Lwt.return push#close);
        stream );
    ("a_map", fun ending -> Lwt_stream.map_s (fun n -> Lwt.map (fun () -> n) (Lwt.pause ())) (from Lwt.return ending ()));
    ("rust", fun _ -> script 50 Tokio_timer End nap);
  ]

let raises = function
  | "a_list" | "pushes" | "bounded_pushes" | "rust" -> false
  | _ -> true

let lwt_to_rust_matrix =
  List.concat_map
    (fun (source, make) ->
      List.concat_map
        (fun place ->
          let name = Printf.sprintf "%s_read_%s" source (in_place place) in
          List.map
            (fun window ->
              law (Printf.sprintf "%s_window_%d" name window) (fun () ->
                  let* items, ended = read_in place (make None) window in
                  check_items "items" (upto 50) (Array.to_list items);
                  Lwt.return (check_string "ending" "end" ended)))
            [ 1; 16; 1000 ]
          @
          if not (raises source) then []
          else
            [
              law (name ^ "_that_raises") (fun () ->
                  let* items, ended = read_in place (make (Some (Refused "it"))) 16 in
                  check_items "items before the exception" (upto 50) (Array.to_list items);
                  check_string "ending" "refused it" ended;
                  let exn = Refused (String.make 3 'x') in
                  let* seen = ending (sum_in place (make (Some exn))) in
                  Lwt.return (check_bool "the same exception" true (match seen with Error same -> same == exn | Ok _ -> false)));
            ])
        few_places)
    sources

let[@inline never] stream_without_writer () = fst (Lwt_stream.create ())

(* A read that Rust had left behind would take the item, and there is no other. [Lwt_stream] tells readers later. *)
let next_item_is_ours (stream, push) =
  push (Some 1);
  let* () = Lwt.pause () in
  push None;
  let* items = Lwt_stream.to_list stream in
  Lwt.return (check_items "items" [ 1 ] items)

let lwt_to_rust =
  let each name program = List.map (fun place -> law (name ^ "_" ^ in_place place) (fun () -> program place)) places in
  List.concat
    [
      each "item_that_does_not_convert_is_the_last" (fun place ->
          let text = Lwt_stream.of_list [ "a"; "b"; "\xff"; "c" ] in
          let* seen = ending (measure_in place text) in
          match seen with
          | Error (Invalid_argument message) ->
              Lwt.return (check_bool message true (contains ~part:"an item of an OCaml stream does not convert" message))
          | _ -> Alcotest.fail "it converted");
      each "stream_without_a_writer_is_broken_when_collected" (fun place ->
          let reading = read_in place (stream_without_writer ()) 16 in
          let* () =
            eventually "it"
              (fun () ->
                Gc.full_major ();
                if Lwt.is_sleeping reading then "waits" else "ended")
              "ended"
          in
          let* items, ended = reading in
          check_string "ending" "broken" ended;
          Lwt.return (check_int "items" 0 (Array.length items)));
      each "cancelled_function_lets_go_of_its_stream" (fun place ->
          let before = alive () in
          let { Rust_async.subscriptions; _ } = Rust_async.stats () in
          let stream, push = Lwt_stream.create () in
          push (Some 0);
          let reading = read_in place stream 16 in
          let waits () = string_of_int ((Rust_async.stats ()).subscriptions - subscriptions) in
          let* () = eventually "reads under way" waits "1" in
          Lwt.cancel reading;
          let* seen = ending reading in
          check_bool "canceled" true (seen = Error Lwt.Canceled);
          let* () = eventually "what the bridge keeps" alive before in
          next_item_is_ours (stream, push));
      each "dropped_stream_cancels_its_read" (fun place ->
          let before = alive () in
          let stream, push = Lwt_stream.create () in
          let* () = give_up_in place true stream in
          let* () = eventually "what the bridge keeps" alive before in
          next_item_is_ours (stream, push));
      each "stream_dropped_before_its_read_began_takes_nothing" (fun place ->
          let before = alive () in
          let stream, push = Lwt_stream.create () in
          let* () = give_up_in place false stream in
          let* () = eventually "what the bridge keeps" alive before in
          next_item_is_ours (stream, push));
      each "stream_dropped_between_batches_cancels_its_read" (fun place ->
          let before = alive () in
          let stream, push = Lwt_stream.create () in
          push (Some 0);
          (* There is less than the window, so that the read of the next item has begun when the batch crosses. *)
          let* items = take_in place stream 16 1 in
          check_items "items" [ 0 ] (Array.to_list items);
          let* () = eventually "what the bridge keeps" alive before in
          next_item_is_ours (stream, push));
      each "stream_dropped_as_an_item_comes_takes_no_other" (fun place ->
          let before = alive () in
          let stream, push = Lwt_stream.create () in
          let { Rust_async.subscriptions; _ } = Rust_async.stats () in
          let reading = read_in place stream 16 in
          let waits () = string_of_int ((Rust_async.stats ()).subscriptions - subscriptions) in
          let* () = eventually "reads under way" waits "1" in
          Lwt.cancel reading;
          (* The place drops it meanwhile, and this thread has not heard of it when the item comes. *)
          if place <> Domain then Unix.sleepf 0.02;
          push (Some 0);
          let* () = eventually "what the bridge keeps" alive before in
          push (Some 1);
          let* () = Lwt.pause () in
          push None;
          let* items = Lwt_stream.to_list stream in
          check_bool "the other item" true (items = [ 1 ] || items = [ 0; 1 ]);
          Lwt.return_unit);
      each "dropped_stream_leaves_what_its_function_gave_to_the_next_reader" (fun place ->
          let before = alive () in
          let waiting, arrive = Lwt.task () in
          let asked = ref 0 in
          let stream =
            Lwt_stream.from (fun () ->
                incr asked;
                let item = !asked in
                Lwt.map (fun () -> Some item) waiting)
          in
          let* () = give_up_in place true stream in
          let* () = eventually "what the bridge keeps" alive before in
          (* [Lwt_stream] protects it. *)
          check_bool "pending" true (Lwt.is_sleeping waiting);
          Lwt.wakeup arrive ();
          let* () = Lwt.pause () in
          let* next = Lwt_stream.get stream in
          Lwt.return (check_bool "the first" true (next = Some 1)));
      each "dropped_stream_leaves_the_items_that_it_did_not_take" (fun place ->
          let stream = Lwt_stream.of_list (upto 50) in
          let* items = take_in place stream 8 3 in
          check_items "items" [ 0; 1; 2 ] (Array.to_list items);
          (* A batch of eight has crossed. *)
          let* rest = Lwt_stream.to_list stream in
          Lwt.return (check_items "the rest" (List.init 42 (fun i -> i + 8)) rest));
      each "stream_that_rust_holds_may_be_dropped" (fun place ->
          let stream, push = Lwt_stream.create () in
          push (Some 1);
          let* () = hold stream in
          let* () = release_in place in
          push None;
          let* rest = Lwt_stream.to_list stream in
          Lwt.return (check_items "items" [ 1 ] rest));
      each "slow_rust_reader_stops_a_bounded_writer" (fun place ->
          let stream, push = Lwt_stream.create_bounded 4 in
          let pushed = ref 0 in
          Lwt.async (fun () ->
              let* () =
                Lwt_list.iter_s
                  (fun n ->
                    let* () = push#push n in
                    Lwt.return (incr pushed))
                  (upto 100)
              in
              Lwt.return push#close);
          let* items = take_in place stream 2 4 in
          check_items "items" [ 0; 1; 2; 3 ] (Array.to_list items);
          let* () = nap () in
          check_bool (string_of_int !pushed) true (!pushed <= 4 + 4 + 2);
          let* rest = Lwt_stream.to_list stream in
          Lwt.return (check_int "the rest" 96 (List.length rest)));
      each "functions_of_ocaml_give_streams" (fun place ->
          let stream n = Lwt_stream.of_list (upto n) in
          let* n = called_in place (fun n -> Lwt.map (fun () -> stream n) (nap ())) stream in
          Lwt.return (check_int "sum" 90 n));
      each "rust_stream_through_ocaml_and_back" (fun place ->
          let* n = sum_in place (Lwt_stream.map succ (numbers 10_000)) in
          Lwt.return (check_int "sum" (10_000 * 10_001 / 2) n));
      [
        law "records_have_streams" (fun () ->
            let body = Lwt_stream.of_list [ "one"; "two"; "three" ] in
            let* { status; out; reason } = request { path = "/"; body; length = Some 3 } in
            check_int "status" 3 status;
            check_string "reason" "/" reason;
            let* items = Lwt_stream.to_list out in
            Lwt.return (check_string "body" "ONE TWO THREE" (String.concat " " items)));
        law "collected_stream_lets_go_of_the_one_it_was_made_of" (fun () ->
            let[@inline never] start () =
              let body, push = Lwt_stream.create () in
              push (Some "one");
              let* { out; _ } = request { path = "/"; body; length = None } in
              let* item = Lwt_stream.get out in
              check_bool "item" true (item = Some "ONE");
              let collected = ref false in
              Gc.finalise (fun _ -> collected := true) body;
              Lwt.return (push, collected)
            in
            let* push, collected = start () in
            let* () =
              eventually "it"
                (fun () ->
                  Gc.full_major ();
                  if !collected then "collected" else "kept")
                "collected"
            in
            push None;
            Lwt.return_unit);
      ];
    ]

(* A million items of a string each. *)
let million = 1_000_000

let constant_memory name program =
  law name (fun () ->
      let live () =
        Gc.full_major ();
        (Gc.stat ()).live_words
      in
      let words = live () in
      let* () = program ~check:(fun () ->
          let more = live () - words in
          check_bool (Printf.sprintf "%d words more" more) true (more < 100_000))
      in
      Lwt.return_unit)

let memory =
  constant_memory "million_strings_to_ocaml" (fun ~check ->
      let stream = strings million in
      let* n = now (live_memory ()) |> Lwt.return in
      let rec read seen =
        let* item = Lwt_stream.get stream in
        match item with
        | None -> Lwt.return (check_int "items" million seen)
        | Some item ->
            if String.length item <> 100 then Alcotest.fail item;
            if seen mod 250_000 = 1 then begin
              check ();
              let more = now (live_memory ()) - n in
              check_bool (Printf.sprintf "%d bytes more in Rust" more) true (more < 100_000)
            end;
            read (seen + 1)
      in
      read 0)
  :: List.map
       (fun place ->
         constant_memory ("million_strings_to_rust_" ^ in_place place) (fun ~check ->
             let n = ref 0 in
             let bytes = now (live_memory ()) in
             let stream =
               Lwt_stream.from (fun () ->
                   incr n;
                   if !n mod 250_000 = 1 then begin
                     check ();
                     let more = now (live_memory ()) - bytes in
                     check_bool (Printf.sprintf "%d bytes more in Rust" more) true (more < 100_000)
                   end;
                   if !n > million then Lwt.return_none
                   else if !n mod 100 = 0 then Lwt.map (fun () -> Some (Printf.sprintf "%100d" !n)) (Lwt.pause ())
                   else Lwt.return_some (Printf.sprintf "%100d" !n))
             in
             let* items, bytes = measure_in place stream in
             check_int "items" million items;
             Lwt.return (check_int "bytes" (100 * million) bytes)))
       [ Domain; Tokio ]

let () =
  Alcotest.run "streams"
    [
      ("rust_to_lwt", rust_to_lwt);
      ("rust_to_lwt: matrix", rust_to_lwt_matrix);
      ("windows", windows);
      ("letting go", letting_go);
      ("lwt_to_rust", lwt_to_rust);
      ("lwt_to_rust: matrix", lwt_to_rust_matrix);
      ("memory", memory);
    ]
