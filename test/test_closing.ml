(* Rust streams that OCaml closes. *)

open Lwt.Syntax
open Law
open Stream_law

let next_number = Rust_half.Readers.readers_next
let channel = Rust_half.Readers.readers_channel
let send = Rust_half.Readers.readers_send
let lives = Rust_half.Readers.readers_lives
let error_and_bomb = Rust_half.Readers.readers_error_and_bomb
let silent = Rust_half.Readers.readers_silent
let numbers = Rust_half.Streams.streams_numbers
let connection = Rust_half.Readers.readers_connection
let closes_itself = Rust_half.Readers.readers_closes_itself
let is_dropped_now what writer = check_bool what false (now (lives writer))

(* Streams by their numbers, which are those of their writers. *)
let number () = now (next_number ())

let close = Rust_async.Stream.close

let refused what expected f =
  match f () with
  | () -> Alcotest.failf "%s was closed" what
  | exception Invalid_argument text -> check_bool text true (contains ~part:expected text)

let closing =
  [
    law "close_drops_the_rust_stream_now" (fun () ->
        let writer = number () in
        let stream = channel () in
        close stream;
        is_dropped_now "never read" writer;
        let* items = read_all stream in
        check_string "then it has ended" "end" (snd items);
        close stream;
        let writer = number () in
        let stream = channel () in
        let read = get stream in
        check_bool "sent" true (now (send writer 1));
        let* first = read in
        check_bool "the first" true (first = Some 1);
        close stream;
        is_dropped_now "read once" writer;
        let* last = get stream in
        check_bool "the end" true (last = None);
        Lwt.return_unit);
    law "close_ends_every_read_that_waits" (fun () ->
        let writer = number () in
        let stream = channel () in
        let clone = Lwt_stream.clone stream in
        let reads = [ get stream; get stream; get clone ] in
        let all = Lwt_stream.to_list (Lwt_stream.map succ (Lwt_stream.clone stream)) in
        let* () = Lwt.pause () in
        close stream;
        is_dropped_now "waited for" writer;
        let* ended = Lwt.all reads in
        check_bool "the end" true (List.for_all (( = ) None) ended);
        let* all = all in
        check_items "of all" [] all;
        Lwt.return_unit);
    law "close_of_a_clone_closes_all" (fun () ->
        let writer = number () in
        let stream = channel () in
        let read = get stream in
        close (Lwt_stream.clone stream);
        is_dropped_now "by a clone" writer;
        let* ended = read in
        check_bool "the end" true (ended = None);
        Lwt.return_unit);
    law "what_was_read_ahead_goes_and_what_was_peeked_at_stays" (fun () ->
        let stream = numbers 100 in
        let* first = get stream in
        let* second = Lwt_stream.peek stream in
        close stream;
        let* rest, how = read_all stream in
        check_bool "before" true (first = Some 0 && second = Some 1);
        check_items "peeked at" [ 1 ] rest;
        check_string "then" "end" how;
        Lwt.return_unit);
    law "close_of_a_stream_that_has_ended_does_nothing" (fun () ->
        let stream = numbers 3 in
        let* items = read_all stream in
        check_items "all" [ 0; 1; 2 ] (fst items);
        close stream;
        let failed = error_and_bomb () in
        let* _, how = read_all failed in
        close failed;
        let* _, again = read_all failed in
        check_bool how true (how <> "end" && again = "end");
        Lwt.return_unit);
    law "only_rust_streams_are_closed" (fun () ->
        let part = "is not one of Rust's" in
        refused "a list" part (fun () -> close (Lwt_stream.of_list [ 1 ]));
        refused "a pushed stream" part (fun () -> close (fst (Lwt_stream.create ())));
        let writer = number () in
        let stream = channel () in
        refused "a mapped stream" part (fun () -> close (Lwt_stream.map succ stream));
        check_bool "that one is open" true (now (lives writer));
        close stream;
        Lwt.return_unit);
    law "close_finds_each_among_many_that_come_and_go" (fun () ->
        let streams = Array.init 1000 (fun n -> if n mod 3 = 0 then Some (silent ()) else (ignore (silent ()); None)) in
        Gc.full_major ();
        let more = Array.init 1000 (fun _ -> silent ()) in
        let each stream =
          let read = get stream in
          close stream;
          check_bool "it ends" true (now read = None)
        in
        Array.iter (Option.iter each) streams;
        Array.iter each more;
        Lwt.return_unit);
    law "with_stream_closes_however_it_ends" (fun () ->
        let ends what f =
          let writer = number () in
          let stream = channel () in
          let promise = Rust_async.Stream.with_stream stream f in
          if Lwt.is_sleeping promise then Lwt.cancel promise;
          let* _ = ending promise in
          is_dropped_now what writer;
          Lwt.return_unit
        in
        let* () = ends "a value" (fun _ -> Lwt.return_unit) in
        let* () = ends "a rejected promise" (fun _ -> Lwt.fail Exit) in
        let* () = ends "an exception" (fun _ -> raise Exit) in
        ends "cancelled while it waits" (fun stream -> Lwt.map ignore (get stream)));
    law "streams_that_are_closed_give_back_what_they_hold" (fun () ->
        (* Two connections, of which a stream holds one. *)
        let one () = Rust_async.Stream.with_stream (connection ()) get in
        let rec go n =
          if n = 0 then Lwt.return_unit
          else
            let* row = one () in
            check_bool "a row" true (row = Some 1);
            go (n - 1)
        in
        go 100);
    law "close_in_the_stream's_own_poll_waits_for_its_end" (fun () ->
        let stream = ref None and closed = ref 0 in
        let self =
          closes_itself (fun () ->
              incr closed;
              Option.iter close !stream)
        in
        stream := Some self;
        let* items, how = read_all self in
        check_int "closed" 1 !closed;
        check_string "the end" "end" how;
        check_bool "no more than it gave" true (List.length items <= 1);
        Lwt.return_unit);
    law "close_elsewhere_is_refused" (fun () ->
        let stream = channel () in
        let told = ref "" in
        let elsewhere () =
          match close stream with
          | () -> told := "closed"
          | exception Rust_async.Misuse text -> told := text
        in
        Thread.join (Thread.create elsewhere ());
        check_bool !told true (contains ~part:"on a thread that does not run Lwt" !told);
        close stream;
        Lwt.return_unit);
  ]

let () = Alcotest.run "closing" [ ("closing", closing) ]
