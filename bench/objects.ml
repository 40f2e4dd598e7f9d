(* A method on an object of Rust's, beside the same function of a number. *)

open Case

type t

external make : unit -> t = "bench__bench_object_make"
external add : t -> int -> int = "bench__bench_object_add"
external add_later : t -> int -> int Lwt.t = "bench__bench_object_add_later"
external close : t -> unit = "ocaml_lwt_interop_close"
external plain_add : int -> int -> int = "bench__bench_add"
external plain_add_later : int -> int -> int Lwt.t = "bench__bench_add_later"

let made = lazy (make ())
let on_object f () = f (Lazy.force made) 1

let all =
  [
    case "object/function" "#[func(sync)] int -> int -> int, for scale" (in_a_loop (fun () -> plain_add 0 1));
    case "object/method" "#[func(sync)], a method on an object" ~baseline:"object/function" (in_a_loop (on_object add));
    case "object/function-ready" "an async function, ready" (in_a_row (fun () -> plain_add_later 0 1));
    case "object/method-ready" "an async method, ready" ~baseline:"object/function-ready" (in_a_row (on_object add_later));
    case "object/make" "an object that is made, and collected" ~baseline:"object/function" (in_a_loop make);
    case "object/make-close" "the same, closed" ~baseline:"object/make" (in_a_loop (fun () -> close (make ())));
  ]
