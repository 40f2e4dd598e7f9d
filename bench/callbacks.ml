(* Rust calls OCaml, and awaits its promises. *)

open Case
open Rust_half.Callbacks

let await_10k () =
  bench_await_all (Array.init 10_000 (fun _ -> Lwt.map (fun () -> 1) (Lwt.pause ())))
  |> Lwt.map (fun sum -> if sum <> 10_000 then failwith (Printf.sprintf "%d promises of 10,000" sum))

let all =
  [
    case "callback/ready" "resolved already; calls Rust, which calls OCaml" ~baseline:"ocaml/bind"
      ~bound:(At_most 160.)
      (in_a_row (fun () -> bench_call_once Lwt.return));
    case "callback/ready-loop" "resolved already; a loop in Rust calls" ~baseline:"ocaml/bind" ~bound:(At_most 160.)
      (repeated_by_rust (bench_call Lwt.return));
    case "callback/pause" "returns Lwt.pause; calls Rust, which calls OCaml" ~baseline:"ocaml/pause"
      ~bound:(Times 1.6)
      (in_a_row (fun () -> bench_call_once Lwt.pause));
    case "callback/pause-loop" "returns Lwt.pause; a loop in Rust calls" ~baseline:"ocaml/pause" ~bound:(Times 1.6)
      (repeated_by_rust (bench_call Lwt.pause));
    case "callback/arguments-5" "5 arguments, resolved; a loop in Rust calls" ~baseline:"callback/ready-loop"
      (repeated_by_rust (bench_call_5 (fun a b c d e -> Lwt.return (a + b + c + d + e))));
    case "callback/string-10" "String of 10 bytes, and back; a loop in Rust calls" ~baseline:"callback/ready-loop"
      (repeated_by_rust (bench_call_string Lwt.return));
    case "callback/record" "a record of 10 fields, and back; a loop in Rust calls" ~baseline:"callback/ready-loop"
      (repeated_by_rust (bench_call_record Lwt.return));
    case "callback/rejected" "rejected; a loop in Rust calls" ~baseline:"ocaml/catch"
      (repeated_by_rust (bench_call_rejected (fun () -> Lwt.fail Exit)));
    case "callback/cancelled" "Rust drops the future of a pending promise" ~baseline:"ocaml/cancelled"
      (repeated_by_rust (bench_call_dropped (fun () -> fst (Lwt.task ()))));
    case "callback/await-10k" "one task awaits 10,000 promises of Lwt.pause" ~size:10_000 ~baseline:"ocaml/pause-10k"
      (in_a_row await_10k);
  ]
