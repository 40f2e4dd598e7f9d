(* Objects: Rust values that OCaml has as values of an abstract type. *)

open Law
open Lwt.Syntax

type counter

external start : int -> counter Lwt.t = "counter_start"
external add : counter -> int -> int Lwt.t = "counter_add"
external now : counter -> int = "counter_now"
external close : counter -> unit = "ocaml_lwt_interop_close"

let laws =
  [
    law "an object lives in its calls" (fun () ->
        let* counter = start 1 in
        let* n = add counter 2 in
        check_int "added" 3 n;
        check_int "now" 3 (now counter);
        close counter;
        close counter;
        (match now counter with
        | _ -> Alcotest.fail "not closed"
        | exception Rust_async.Misuse text -> check_string "closed" "" text);
        Lwt.return_unit);
  ]

let () = Alcotest.run "objects" [ ("objects", laws) ]
