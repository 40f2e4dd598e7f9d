(* The program of doc/objects.md. *)

open Lwt.Syntax
module Words = Made.Guide.Words

let write path text =
  let file = open_out path in
  output_string file text;
  close_out file

let main () =
  write "guide.txt" "one two two three";
  let words = Words.create () in
  let* number = Words.add_file words "guide.txt" in
  let* both = Words.merge words words in
  Printf.printf "%d words, two: %d and %d\n" number (Words.count words "two") (Words.count both "two");
  (* The first two. The Rust stream goes with the function, and not when the collector comes by. *)
  let* first = Rust_async.Stream.with_stream (Words.all both) (Lwt_stream.nget 2) in
  List.iter (fun (word, count) -> Printf.printf "%s: %d\n" word count) first;
  Words.close words;
  (match Words.count words "two" with
  | _ -> ()
  | exception Rust_async.Misuse why -> print_endline why);
  Lwt.return_unit

let () = Lwt_main.run (main ())
