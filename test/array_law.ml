(* What the laws of Bigarrays share. *)

open Law
open Probe
open Bigarray

type bytes = (char, int8_unsigned_elt, c_layout) Array1.t

let let_go = Rust_half.Arrays.arrays_let_go
let two = Rust_half.Arrays.arrays_two
let reversed_char = Rust_half.Arrays.arrays_reversed_char

let of_string text : bytes = Array1.init char c_layout (String.length text) (String.get text)
let to_string (array : bytes) = String.init (Array1.dim array) (Array1.get array)
let numbers array = String.concat " " (List.map (fun c -> string_of_int (Char.code c)) (List.of_seq (String.to_seq (to_string array))))
let check_array what expected array = check_string what expected (to_string array)

(* Each way of OCaml's to read or write raises, and what is made of it is empty. *)
let check_lent (array : bytes) =
  let raises what f =
    match f () with
    | () -> Alcotest.failf "%s did not raise" what
    | exception Invalid_argument _ -> ()
  in
  check_int "its length" 0 (Array1.dim array);
  raises "get" (fun () -> ignore (Sys.opaque_identity array.{0}));
  raises "set" (fun () -> array.{0} <- 'x');
  raises "get of a generic array" (fun () -> ignore (Genarray.get (genarray_of_array1 array) [| 0 |]));
  raises "set of a generic array" (fun () -> Genarray.set (genarray_of_array1 array) [| 0 |] 'x');
  raises "sub" (fun () -> ignore (Array1.sub array 0 1));
  raises "blit from it" (fun () -> Array1.blit array (of_string "x"));
  raises "blit to it" (fun () -> Array1.blit (of_string "x") array);
  raises "reshape" (fun () -> ignore (reshape_1 (genarray_of_array1 array) 1));
  raises "Lwt_bytes.get" (fun () -> ignore (Lwt_bytes.get array 0));
  raises "Lwt_bytes.blit" (fun () -> Lwt_bytes.blit array 0 (Lwt_bytes.create 1) 0 1);
  raises "Lwt_bytes.blit_to_bytes" (fun () -> Lwt_bytes.blit_to_bytes array 0 (Bytes.create 1) 0 1);
  raises "Lwt_bytes.read" (fun () -> ignore (Lwt_bytes.read Lwt_unix.stdin array 0 1));
  check_bool "it is compared as one without elements" true (array = of_string "");
  check_int "it is hashed as one" (Hashtbl.hash (of_string "")) (Hashtbl.hash array);
  check_array "it is marshalled as one" "" (Marshal.from_string (Marshal.to_string array []) 0);
  Array1.fill array 'x'

(* Waits until it is OCaml's again. *)
let until_back (array : bytes) = eventually "the array" (fun () -> if Array1.dim array = 0 then "lent" else "back") "back"

let check_refused what parts f =
  match f () with
  | (_ : unit Lwt.t) -> Alcotest.failf "%s was not refused" what
  | exception Invalid_argument message -> List.iter (fun part -> check_bool message true (contains message ~part)) parts

let everywhere name program = List.map (fun place -> law (name ^ "_" ^ in_place place) (fun () -> program place)) places
