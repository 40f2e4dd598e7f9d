(* A method on an object of Rust's, beside the same function of a number. *)

open Case
open Rust_half.Objects
module Bench_object = BenchObject

let made = lazy (Bench_object.make ())
let on_object f () = f (Lazy.force made) 1

let all =
  [
    case "object/function" "#[func(sync)] int -> int -> int, for scale" (in_a_loop (fun () -> bench_add 0 1));
    case "object/method" "#[func(sync)], a method on an object" ~baseline:"object/function" ~bound:(More 5.)
      (in_a_loop (on_object Bench_object.add));
    case "object/function-ready" "an async function, ready" (in_a_row (fun () -> bench_add_later 0 1));
    case "object/method-ready" "an async method, ready" ~baseline:"object/function-ready" (in_a_row (on_object Bench_object.add_later));
    case "object/make" "an object that is made, and collected" ~baseline:"object/function" (in_a_loop Bench_object.make);
    case "object/make-close" "the same, closed" ~baseline:"object/make" (in_a_loop (fun () -> Bench_object.close (Bench_object.make ())));
  ]
