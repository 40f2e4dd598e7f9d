(* Chapter 10: threads, Tokio and domains. *)

(* -- where a body runs -- *)
open Lwt.Syntax
open Links.Threads

let where_a_body_runs () =
  let* here = plain () in
  let* worker = on_a_worker () in
  let+ blocking = on_a_thread_that_may_block () in
  Printf.printf "on a thread of Tokio's: %b, %b, %b\n" here worker blocking

(* -- OCaml from another thread -- *)
let ocaml_from_another_thread () =
  let* () = count_words "a page of text" (Printf.printf "%d words\n") in
  let+ four = double 2 ( + ) in
  Printf.printf "%d\n" four

(* -- an OCaml function that blocks -- *)
let read path =
  let file = open_in_bin path in
  Fun.protect ~finally:(fun () -> close_in file) (fun () -> really_input_string file (in_channel_length file))

let an_ocaml_function_that_blocks () =
  let path = Filename.temp_file "links" ".txt" in
  let file = open_out path in
  output_string file "http://a.example\n";
  close_out file;
  let+ length = read_length read path in
  Sys.remove path;
  Printf.printf "%d bytes\n" length

(* -- worker domains -- *)
let rec fibonacci n = if n < 2 then n else fibonacci (n - 1) + fibonacci (n - 2)

let worker_domains () =
  let+ sum =
    match Rust_async.Domain_pool.create ~domains:2 with
    | exception Failure _ -> Lwt.return (fibonacci 21 + fibonacci 22) (* OCaml 4 has no domains *)
    | pool ->
        Lwt.finalize
          (fun () -> parallel_sum pool (fun n -> fibonacci (20 + n)))
          (fun () -> Rust_async.Domain_pool.shutdown pool)
  in
  Printf.printf "%d\n" sum

(* -- -- *)
let () =
  Chapter.run
    [
      ("where a body runs", where_a_body_runs);
      ("OCaml from another thread", ocaml_from_another_thread);
      ("an OCaml function that blocks", an_ocaml_function_that_blocks);
      ("worker domains", worker_domains);
    ]
