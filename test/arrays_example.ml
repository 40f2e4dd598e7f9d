open Lwt.Syntax
open Rust_half.Arrays_example

(* The beginning of a file, and its length. *)
let summary path =
  let buffer = Lwt_bytes.create 16 in
  let* came = example_read path buffer in
  let+ all = example_read_all path in
  (Lwt_bytes.to_string (Lwt_bytes.extract buffer 0 came), Lwt_bytes.length all)

(* The mean of each row. *)
let means rows =
  let open Bigarray in
  let+ means = example_means (Array2.of_array Float64 C_layout rows) in
  Array.init (Array1.dim means) (Array1.get means)
