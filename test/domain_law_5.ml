(* What the laws of worker domains share. *)

open Lwt.Syntax
open Law
open Probe
module Pool = Rust_async.Domain_pool

type does = Rust_half.does = Ready | Yields | Sleeps | Tokio_task | Other_thread | Fails | Panics | Never

let does = Rust_half.Domains.domains_does
let on_workers = Rust_half.Domains.domains_on_workers
let call = Rust_half.Domains.domains_call
external pass : Pool.t -> ('a -> 'b) -> 'a -> 'b Lwt.t = "interop_tests__domains_pass"

(* A law of a pool that is its own, and gone at its end. *)
let law_of_pool ?(domains = 2) name program =
  law name (fun () ->
      let pool = Pool.create ~domains in
      Lwt.finalize (fun () -> program pool) (fun () -> Pool.shutdown ~cancel:true pool))

let until condition =
  eventually "it" (fun () -> if condition () then "so" else "not yet") "so"

let name law place = law ^ "_" ^ in_place place

(* What a job waits for that computes: no promise. *)
let spin_until flag =
  while not (Atomic.get flag) do
    Domain.cpu_relax ()
  done

let reason promise =
  let+ ending = ending promise in
  match ending with
  | Ok _ -> "a value"
  | Error (Rust_async.Misuse text) -> "misuse: " ^ text
  | Error (Rust_async.Rust_panic { message; _ }) -> "panic " ^ message
  | Error exn -> Printexc.to_string exn

let ends_with what promise =
  let+ text = reason promise in
  check_bool (what ^ ": " ^ text) true (starts_with ~prefix:what text)

exception Own of string list

(* What each of two worker domains says of itself: their jobs wait for one another. *)
let of_each pool f =
  let came = Atomic.make 0 in
  let job () =
    Atomic.incr came;
    while Atomic.get came < 2 do Domain.cpu_relax () done;
    f ()
  in
  let* first = Pool.detach pool job () and* second = Pool.detach pool job () in
  Lwt.return [ first; second ]
