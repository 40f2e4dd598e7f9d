(* OCaml calls Rust. *)

open Case
open Rust_half.Calls

(* The fields are those of [Ten] in [calls.rs]. *)
type ten = Rust_half.ten = {
  a : int;
  b : int;
  c : int;
  d : float;
  e : float;
  f : bool;
  g : string;
  h : string;
  i : int option;
  j : int * int;
}

let ten = { a = 1; b = 2; c = 3; d = 4.0; e = 5.0; f = true; g = "seven"; h = "eight"; i = Some 9; j = (10, 10) }

external stack_used : unit -> int = "bench_stack_used"

external sync : unit -> unit = "bench_sync"
external c_int : int -> int = "bench_c_int"
external ocaml_rs_int : int -> int = "bench_ocaml_rs_int"
external sync_string : string -> string = "bench_sync_string"

let short = "ten bytes."
let long = String.make 65_536 'x'

let cancelled () =
  let promise = bench_never () in
  Lwt.cancel promise;
  Lwt.catch (fun () -> promise) (fun _ -> Lwt.return_unit)

(* A stack that grew with the calls would be megabytes. OCaml 5 has one of its own, with a limit that can be set. *)
let with_small_stack f steps =
  let limits = Gc.get () in
  Gc.set { limits with stack_limit = 32_768 };
  ignore (stack_used () : int);
  Lwt.finalize
    (fun () -> f steps)
    (fun () ->
      Gc.set limits;
      let used = stack_used () in
      if used > 65_536 then failwith (Printf.sprintf "the stack grew by %d bytes" used);
      Lwt.return_unit)

let sync_calls =
  [
    case "sync/call" "#[ocaml::func], no argument" ~baseline:"ocaml/c-noop" (in_a_loop sync);
    case "sync/c-int" "a C function, int -> int" (in_a_loop (fun () -> c_int 1));
    case "sync/int" "#[func(sync)], int -> int" ~baseline:"sync/c-int" ~bound:(At_most 10.) (in_a_loop (fun () -> bench_sync_int 1));
    case "sync/ocaml-rs-int" "#[ocaml::func], int -> int" ~baseline:"sync/c-int" (in_a_loop (fun () -> ocaml_rs_int 1));
    case "sync/text-10" "#[func(sync)], String of 10 bytes, and back" ~baseline:"sync/string-10"
      (in_a_loop (fun () -> bench_sync_text short));
    case "sync/string-10" "#[ocaml::func], String of 10 bytes, and back" (in_a_loop (fun () -> sync_string short));
    case "sync/string-64k" "String of 64 KiB, and back" (in_a_loop (fun () -> sync_string long));
    case "sync/bytes-64k" "#[func(sync)], ByteBuf of 64 KiB, and back" (in_a_loop (fun () -> bench_sync_bytes long));
    case "sync/record-to-rust" "#[func(sync)], a record of 10 fields as argument" (in_a_loop (fun () -> bench_sync_record_to_rust ten));
    case "sync/record-to-ocaml" "#[func(sync)], a record of 10 fields as result" (in_a_loop bench_sync_record_to_ocaml);
  ]

let async_calls =
  [
    case "call/ready" "ready at its first poll" ~baseline:"ocaml/bind" ~bound:(At_most 50.) (in_a_row bench_ready);
    case "call/ready-10k" "the same, 10,000 at a time" ~size:10_000 ~baseline:"ocaml/bind-10k" ~bound:(At_most 100.)
      (together 10_000 bench_ready);
    case "call/yield" "yields once" ~baseline:"rust/executor-yield" ~bound:(At_most 150.) (in_a_row bench_yield);
    case "call/yield-pause" "yields once, and Lwt.pause between calls" ~baseline:"ocaml/pause" ~bound:(Times 1.5)
      (in_a_row (fun () -> Lwt.bind (bench_yield ()) Lwt.pause));
    case "call/yield-10k" "yields once, 10,000 at a time" ~size:10_000 ~baseline:"ocaml/pause-10k" ~bound:(Times 1.1)
      (together 10_000 bench_yield);
    case "call/million" "yields once, 1,000,000 calls in a row; the stack stays" ~steps:1_000_000
      ~baseline:"call/yield"
      (with_small_stack (in_a_row bench_deep));
    case "call/arguments-1" "1 argument, ready" ~baseline:"call/ready" (in_a_row (fun () -> bench_1 1));
    case "call/arguments-5" "5 arguments, ready" ~baseline:"call/ready" (in_a_row (fun () -> bench_5 1 2 3 4 5));
    case "call/arguments-12" "12 arguments, ready" ~baseline:"call/ready"
      (in_a_row (fun () -> bench_12 1 2 3 4 5 6 7 8 9 10 11 12));
    case "call/string-10" "String of 10 bytes, and back" ~baseline:"sync/string-10"
      (in_a_row (fun () -> bench_string short));
    case "call/string-64k" "String of 64 KiB, and back" ~baseline:"sync/string-64k" (in_a_row (fun () -> bench_string long));
    case "call/bytes-64k" "ByteBuf of 64 KiB, and back" ~baseline:"sync/bytes-64k" (in_a_row (fun () -> bench_bytes long));
    case "call/record-to-rust" "a record of 10 fields as argument" ~baseline:"sync/record-to-rust"
      (in_a_row (fun () -> bench_record_to_rust ten));
    case "call/record-to-ocaml" "a record of 10 fields as result" ~baseline:"sync/record-to-ocaml"
      (in_a_row bench_record_to_ocaml);
    case "call/rejected" "returns Err" ~baseline:"ocaml/catch"
      (in_a_row (fun () -> Lwt.catch bench_fail (fun _ -> Lwt.return_unit)));
    case "call/cancelled" "never ready, cancelled" ~baseline:"ocaml/cancelled" (in_a_row cancelled);
  ]

let all = sync_calls @ async_calls
