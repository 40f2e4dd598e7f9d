(* Chapter 6: streams. *)

open Lwt.Syntax

let in_a_file lines f =
  let path = Filename.temp_file "links" ".txt" in
  let file = open_out path in
  List.iter (fun line -> output_string file (line ^ "\n")) lines;
  close_out file;
  Lwt.finalize
    (fun () -> f path)
    (fun () ->
      Sys.remove path;
      Lwt.return_unit)

(* -- a stream of Rust's -- *)
open Links.Streams

let a_stream_of_rust's () =
  in_a_file [ "http://a.example/1"; "no link"; "http://b.example/2" ] (fun path ->
      let* lines = lines path in
      Lwt_stream.iter print_endline lines)

(* -- a stream of OCaml's -- *)
let a_stream_of_ocaml's () =
  let* links, all = count_links (Lwt_stream.of_list [ "http://a.example/1"; "no link" ]) in
  Printf.printf "%d of %d are links\n" links all;
  let hosts = hosts (Lwt_stream.of_list [ "http://a.example/1"; "no link"; "http://b.example/2" ]) in
  Lwt.catch
    (fun () -> Lwt_stream.iter print_endline hosts)
    (function Rust_async.Rust_error { message; _ } -> Lwt.return (print_endline message) | other -> Lwt.fail other)

(* -- from one to the other -- *)
let from_one_to_the_other () =
  in_a_file [ "http://a.example/1"; "http://b.example/2" ] (fun path ->
      let* lines = lines path in
      let+ found = Lwt_stream.to_list (hosts lines) in
      print_endline (String.concat ", " found))

(* -- a slow reader -- *)
let a_slow_reader () =
  Rust_async.Stream.with_stream (pages ()) (fun pages ->
      let* first = Lwt_stream.next pages in
      print_endline ("OCaml has " ^ first);
      Lwt.return_unit)

(* -- -- *)
let () =
  Chapter.run
    [
      ("a stream of Rust's", a_stream_of_rust's);
      ("a stream of OCaml's", a_stream_of_ocaml's);
      ("from one to the other", from_one_to_the_other);
      ("a slow reader", a_slow_reader);
    ]
