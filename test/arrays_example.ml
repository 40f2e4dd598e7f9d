open Lwt.Syntax
open Bigarray

external read : string -> Lwt_bytes.t -> int Lwt.t = "interop_tests__example_read"
external read_all : string -> Lwt_bytes.t Lwt.t = "interop_tests__example_read_all"

external means : (float, float64_elt, c_layout) Array2.t -> (float, float64_elt, c_layout) Array1.t Lwt.t
  = "interop_tests__example_means"

(* The beginning of a file, and its length. *)
let summary path =
  let buffer = Lwt_bytes.create 16 in
  let* came = read path buffer in
  let+ all = read_all path in
  (Lwt_bytes.to_string (Lwt_bytes.extract buffer 0 came), Lwt_bytes.length all)
