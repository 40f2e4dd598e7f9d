(* Streams both ways: an operation is an item. *)

open Case
open Rust_half.Streams

external alone : int -> int = "bench_stream_alone"

let drain stream = Lwt_stream.iter (fun item -> ignore (Sys.opaque_identity item)) stream

(* [n] times what [item] promises. *)
let from item n =
  let left = ref n in
  Lwt_stream.from (fun () ->
      if !left = 0 then Lwt.return_none
      else begin
        decr left;
        item ()
      end)

(* The stream of a program that has calls alone: each item is one. *)
let of_calls item n =
  let left = ref (n + 1) in
  Lwt_stream.from (fun () ->
      decr left;
      item !left)

let ready () = Lwt.return_some 7
let paused () = Lwt.map (fun () -> Some 7) (Lwt.pause ())
let text () = Lwt.return_some "ten bytes."
let of_ocaml item = repeated_by_rust (fun n -> drain (from item n))
let to_ocaml stream = repeated_by_rust (fun n -> drain (stream n))
let to_rust read item = repeated_by_rust (fun n -> read (from item n))

let all =
  [
    case "stream/lwt" "Lwt alone: from, ready" (of_ocaml ready);
    case "stream/lwt-pause" "Lwt alone: from, Lwt.pause" (of_ocaml paused);
    case "stream/rust" "Rust alone: iter" (timed_by_rust alone);
    case "stream/calls-to-ocaml" "no stream of ours: Lwt_stream.from, a call for each item" ~baseline:"stream/lwt"
      (to_ocaml (of_calls bench_stream_item));
    case "stream/calls-to-ocaml-yield" "the same, each call yields" ~baseline:"stream/lwt-pause"
      (to_ocaml (of_calls bench_stream_item_yields));
    case "stream/calls-to-rust" "no stream of ours: Rust calls Lwt_stream.get for each item" ~baseline:"stream/lwt"
      (repeated_by_rust (fun n ->
           let stream = from ready n in
           bench_stream_get (fun () -> Lwt_stream.get stream)));
    case "stream/to-ocaml" "Rust's items are ready, OCaml reads" ~baseline:"stream/calls-to-ocaml" ~bound:(Times 1.)
      (to_ocaml bench_stream_numbers);
    case "stream/to-ocaml-256" "the same with a window of 256" ~baseline:"stream/lwt" (to_ocaml bench_stream_numbers_256);
    case "stream/to-ocaml-string" "String of 10 bytes" ~baseline:"call/string-10" (to_ocaml bench_stream_strings);
    case "stream/to-ocaml-yield" "Rust yields before each item" ~baseline:"stream/calls-to-ocaml-yield"
      (to_ocaml bench_stream_yields);
    case "stream/to-rust" "OCaml's items are ready, Rust reads" ~baseline:"stream/calls-to-rust" ~bound:(Times 1.)
      (to_rust bench_stream_read ready);
    case "stream/to-rust-256" "the same with a window of 256" ~baseline:"stream/lwt" (to_rust bench_stream_read_256 ready);
    case "stream/to-rust-string" "String of 10 bytes" ~baseline:"stream/to-rust" (to_rust bench_stream_read_strings text);
    case "stream/to-rust-pause" "OCaml pauses before each item" ~baseline:"stream/lwt-pause" (to_rust bench_stream_read paused);
  ]
