(* Rust streams that OCaml reads: every ending, every thread, what OCaml lets go, windows, a million items. *)

open Lwt.Syntax
open Law
open Probe
open Stream_law

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

let strings = Rust_half.Streams.streams_strings

let waits = [ At_once; Yield; Tokio_timer; Lwt_timer; Tokio_task; Plain_thread ]

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

let name_of_behind = function End -> "end" | Error -> "error" | Panic -> "panic" | Never -> "never"

let check_ending behind seen =
  let prefix =
    match behind with
    | End | Never -> "end"
    | Error -> "Rust_async.Rust_error: the end"
    | Panic -> "Rust_async.Rust_panic: the end, at test/src/streams.rs"
  in
  check_bool seen true (starts_with ~prefix seen)

let matrix =
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

let laws =
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

let memory =
  [
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
        read 0);
  ]

let () =
  Alcotest.run "streams"
    [
      ("laws", laws);
      ("matrix", matrix);
      ("windows", windows);
      ("letting go", letting_go);
      ("memory", memory);
    ]
