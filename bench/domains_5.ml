(* Worker domains. *)

open Case
open Rust_half.On_tokio
module Pool = Rust_async.Domain_pool

(* Its domains are there for this measurement only: each minor collection of other cases would stop them as well. *)
let in_pool domains f steps =
  let pool = Pool.create ~domains in
  Lwt.finalize (fun () -> f pool steps) (fun () -> Pool.shutdown pool)

let await_in_a_row pool steps =
  let job steps =
    for _ = 1 to steps do
      Pool.await (Rust_half.Calls.bench_yield ())
    done
  in
  Pool.detach pool job steps

let rec fibonacci n = if n < 2 then n else fibonacci (n - 1) + fibonacci (n - 2)

let sort n = List.sort compare (List.init n (fun i -> i * 7919 mod n))

(* So many jobs at a time, again and again. *)
let jobs pool count f =
  in_a_row (fun () -> Lwt.join (List.init count (fun _ -> Pool.detach pool f ())))

let compute () = ignore (Sys.opaque_identity (fibonacci 34))
let allocate () = ignore (Sys.opaque_identity (sort 100_000))

let spawned f () =
  let other = Domain.spawn f in
  Domain.join (Domain.spawn f);
  Domain.join other

(* Two jobs of the same, by one domain and by two; and by two that OCaml makes for them. *)
let by_domains ?bound name what f =
  (* Each takes long enough that its beginning does not matter. *)
  let case suffix how ?baseline ?bound run =
    case (name ^ suffix) (what ^ ": two jobs, " ^ how) ~size:2 ~steps:5 ?baseline ?bound run
  in
  let baseline = name ^ "-1" in
  [
    case "-1" "one domain" (in_pool 1 (fun pool -> jobs pool 2 f));
    case "-2" "two domains" ~baseline ?bound (in_pool 2 (fun pool -> jobs pool 2 f));
    case "-spawn" "Domain.spawn for each" ~baseline (in_a_loop (spawned f));
  ]

let all =
  [
    case "ocaml/domain" "Domain.spawn and Domain.join" (in_a_loop (fun () -> Domain.join (Domain.spawn ignore)));
    case "domain/detach" "Domain_pool.detach, one after the other" ~baseline:"ocaml/detach"
      (in_pool 1 (fun pool -> in_a_row (Pool.detach pool ignore)));
    case "domain/detach-spawn" "the same, beside Domain.spawn and Domain.join" ~baseline:"ocaml/domain"
      (in_pool 1 (fun pool -> in_a_row (Pool.detach pool ignore)));
    case "domain/detach-10k" "Domain_pool.detach, 10,000 at a time" ~size:10_000 ~baseline:"ocaml/detach-10k"
      (in_pool 1 (fun pool -> together 10_000 (Pool.detach pool ignore)));
    case "domain/call" "DomainPool::call from a Tokio worker, one after the other" ~baseline:"ocaml/detach"
      (in_pool 1 (fun pool -> repeated_by_rust (bench_pool_call pool ignore)));
    case "domain/call-10k" "DomainPool::call from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"ocaml/detach-10k"
      (in_pool 1 (fun pool -> repeated_by_rust (fun steps -> bench_pool_calls pool ignore steps 10_000)));
    case "domain/await" "Domain_pool.await of a function that yields, on a worker domain" ~baseline:"call/yield"
      (in_pool 1 (fun pool -> repeated_by_rust (await_in_a_row pool)));
  ]
  @ by_domains "domain/compute" "computes" compute ~bound:(Times 0.6)
  @ by_domains "domain/allocate" "sorts lists" allocate
