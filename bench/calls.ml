(* OCaml calls Rust. *)

open Case

(* The fields are those of [Ten] in [calls.rs]. *)
type ten = {
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

external ready : unit -> unit Lwt.t = "bench__bench_ready"
external yield : unit -> unit Lwt.t = "bench__bench_yield"
external never : unit -> unit Lwt.t = "bench__bench_never"
external fail : unit -> unit Lwt.t = "bench__bench_fail"
external deep : unit -> unit Lwt.t = "bench__bench_deep"
external stack_used : unit -> int = "bench_stack_used"
external take_1 : int -> int Lwt.t = "bench__bench_1"
external take_5 : int -> int -> int -> int -> int -> int Lwt.t = "bench__bench_5"

external take_12 : int -> int -> int -> int -> int -> int -> int -> int -> int -> int -> int -> int -> int Lwt.t
  = "bench__bench_12_bytecode" "bench__bench_12"

external string : string -> string Lwt.t = "bench__bench_string"
external bytes : string -> string Lwt.t = "bench__bench_bytes"
external record_to_rust : ten -> int Lwt.t = "bench__bench_record_to_rust"
external record_to_ocaml : unit -> ten Lwt.t = "bench__bench_record_to_ocaml"
external sync : unit -> unit = "bench_sync"
external sync_string : string -> string = "bench_sync_string"
external sync_bytes : string -> string = "bench__bench_sync_bytes"
external sync_record_to_rust : ten -> int = "bench__bench_sync_record_to_rust"
external sync_record_to_ocaml : unit -> ten = "bench__bench_sync_record_to_ocaml"

let short = "ten bytes."
let long = String.make 65_536 'x'

let cancelled () =
  let promise = never () in
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
    case "sync/string-10" "the same: String of 10 bytes, and back" (in_a_loop (fun () -> sync_string short));
    case "sync/string-64k" "String of 64 KiB, and back" (in_a_loop (fun () -> sync_string long));
    case "sync/bytes-64k" "#[func(sync)], ByteBuf of 64 KiB, and back" (in_a_loop (fun () -> sync_bytes long));
    case "sync/record-to-rust" "#[func(sync)], a record of 10 fields as argument" (in_a_loop (fun () -> sync_record_to_rust ten));
    case "sync/record-to-ocaml" "#[func(sync)], a record of 10 fields as result" (in_a_loop sync_record_to_ocaml);
  ]

let async_calls =
  [
    case "call/ready" "ready at its first poll" ~baseline:"ocaml/bind" ~bound:(At_most 50.) (in_a_row ready);
    case "call/ready-10k" "the same, 10,000 at a time" ~size:10_000 ~baseline:"ocaml/bind-10k" ~bound:(At_most 100.)
      (together 10_000 ready);
    case "call/yield" "yields once" ~baseline:"rust/executor-yield" ~bound:(At_most 150.) (in_a_row yield);
    case "call/yield-pause" "yields once, and Lwt.pause between calls" ~baseline:"ocaml/pause" ~bound:(Times 1.5)
      (in_a_row (fun () -> Lwt.bind (yield ()) Lwt.pause));
    case "call/yield-10k" "yields once, 10,000 at a time" ~size:10_000 ~baseline:"ocaml/pause-10k" ~bound:(Times 1.1)
      (together 10_000 yield);
    case "call/million" "yields once, 1,000,000 calls in a row; the stack stays" ~steps:1_000_000
      ~baseline:"call/yield"
      (with_small_stack (in_a_row deep));
    case "call/arguments-1" "1 argument, ready" ~baseline:"call/ready" (in_a_row (fun () -> take_1 1));
    case "call/arguments-5" "5 arguments, ready" ~baseline:"call/ready" (in_a_row (fun () -> take_5 1 2 3 4 5));
    case "call/arguments-12" "12 arguments, ready" ~baseline:"call/ready"
      (in_a_row (fun () -> take_12 1 2 3 4 5 6 7 8 9 10 11 12));
    case "call/string-10" "String of 10 bytes, and back" ~baseline:"sync/string-10"
      (in_a_row (fun () -> string short));
    case "call/string-64k" "String of 64 KiB, and back" ~baseline:"sync/string-64k" (in_a_row (fun () -> string long));
    case "call/bytes-64k" "ByteBuf of 64 KiB, and back" ~baseline:"sync/bytes-64k" (in_a_row (fun () -> bytes long));
    case "call/record-to-rust" "a record of 10 fields as argument" ~baseline:"sync/record-to-rust"
      (in_a_row (fun () -> record_to_rust ten));
    case "call/record-to-ocaml" "a record of 10 fields as result" ~baseline:"sync/record-to-ocaml"
      (in_a_row record_to_ocaml);
    case "call/rejected" "returns Err" ~baseline:"ocaml/catch"
      (in_a_row (fun () -> Lwt.catch fail (fun _ -> Lwt.return_unit)));
    case "call/cancelled" "never ready, cancelled" ~baseline:"ocaml/cancelled" (in_a_row cancelled);
  ]

let all = sync_calls @ async_calls
