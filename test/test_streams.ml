(* Streams both ways. *)

open Lwt.Syntax
open Law

external numbers : int -> int Lwt_stream.t = "streams_numbers"
external promised : int -> int Lwt_stream.t Lwt.t = "streams_promised"
external sum : int Lwt_stream.t -> int Lwt.t = "streams_sum"

let rust_to_lwt =
  [
    law "items_cross_in_order" (fun () ->
        let* items = Lwt_stream.to_list (numbers 1000) in
        Lwt.return (Alcotest.(check (list int)) "items" (List.init 1000 Fun.id) items));
    law "err_ends_the_stream_with_its_exception" (fun () ->
        let* stream = promised 10 in
        let* items = Lwt_stream.nget 10 stream in
        Alcotest.(check (list int)) "items" (List.init 10 Fun.id) items;
        let* ending = ending (Lwt_stream.get stream) in
        check_bool "error" true (match ending with Error (Rust_async.Rust_error { message = "the end"; _ }) -> true | _ -> false);
        let* last = Lwt_stream.get stream in
        Lwt.return (check_bool "end" true (last = None)));
  ]

let lwt_to_rust =
  [
    law "items_of_a_list" (fun () ->
        let* n = sum (Lwt_stream.of_list (List.init 1000 Fun.id)) in
        Lwt.return (check_int "sum" 499500 n));
    law "exception" (fun () ->
        let n = ref 0 in
        let s = Lwt_stream.from (fun () -> incr n; if !n > 20 then Lwt.fail Not_found else Lwt.map (fun () -> Some 1) (Lwt.pause ())) in
        let* ending = ending (sum s) in
        Lwt.return (check_bool "not found" true (ending = Error Not_found)));
    law "numbers_sum" (fun () ->
        let* n = sum (numbers 100000) in
        Lwt.return (check_int "sum" (100000 * 99999 / 2) n));
  ]

let () = Alcotest.run "streams" [ ("rust_to_lwt", rust_to_lwt); ("lwt_to_rust", lwt_to_rust) ]
