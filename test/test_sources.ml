(* OCaml streams that Rust reads: every way to make one, every thread, what is given up, a million items. *)

open Lwt.Syntax
open Law
open Probe
open Stream_law

let script = Rust_half.Streams.streams_script
let numbers = Rust_half.Streams.streams_numbers
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
let measure_in = Rust_half.Streams.streams_measure

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

let matrix =
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

let laws =
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

let memory =
  List.map
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

let () = Alcotest.run "sources" [ ("laws", laws); ("matrix", matrix); ("memory", memory) ]
