(* What an operation is: decided by the seed and its number, and by nothing else. *)

type place = Rust_half.stress_place = Home | Tokio | Thread
type wait = Rust_half.stress_wait = Nothing | Yields | Timer | Task | Plain_thread
type ending = Rust_half.ending = Value | Error | Panic | Dropped

(* For Rust. *)
type parameters = Rust_half.operation = {
  number : int;
  place : place;
  wait : wait;
  turns : int;
  ending : ending;
  protects : bool;
  gives_up : int;
      (** Rust drops what it awaits after so many turns, and OCaml a stream after so many items, unless negative. *)
}

(* How many items a stream has. *)
let items { turns; _ } = 3 * turns

type kind =
  | Function
  | On_workers
  | Blocking
  | Detached
  | Hold
  | Scatter
  | Callback
  | Text
  | Promise
  | Collected  (** A promise that nobody can resolve. *)
  | Resolver
  | Call_async
  | Blocking_call  (** [run_blocking_in_ocaml]. *)
  | Spawn
  | Handle_call
  | Run_blocking_on_pool
  | Run_blocking
  | Rust_stream  (** OCaml reads it. *)
  | Ocaml_stream  (** Rust reads it. *)
  | Object  (** A method on an object, which is closed meanwhile or is not. *)
  | Lent  (** A Bigarray that Rust writes to. *)
  | Detach  (** [Domain_pool.detach], of what computes. *)
  | Detach_await  (** … of what awaits Rust. *)
  | Pool_call

(* What OCaml does to it. *)
type fate = Left_alone | Cancelled of int  (** after so many turns *) | Raced of float  (** with so many seconds *)

type t = { kind : kind; given : parameters; fate : fate; collects : (unit -> unit) option }

let kinds =
  [| Function; On_workers; Blocking; Detached; Hold; Scatter; Callback; Text; Promise; Collected; Resolver; Call_async;
     Blocking_call; Spawn; Handle_call; Run_blocking_on_pool; Run_blocking; Rust_stream; Ocaml_stream; Object; Lent; Detach; Detach_await;
     Pool_call |]
[@@ocamlformat "disable"]

let name = function
  | Function -> "function"
  | On_workers -> "on_workers"
  | Blocking -> "blocking"
  | Detached -> "detached"
  | Hold -> "hold"
  | Scatter -> "scatter"
  | Callback -> "callback"
  | Text -> "text"
  | Promise -> "promise"
  | Collected -> "collected"
  | Resolver -> "resolver"
  | Call_async -> "call_async"
  | Blocking_call -> "blocking_call"
  | Spawn -> "spawn"
  | Handle_call -> "handle_call"
  | Run_blocking_on_pool -> "run_blocking_on_pool"
  | Run_blocking -> "run_blocking"
  | Rust_stream -> "rust_stream"
  | Ocaml_stream -> "ocaml_stream"
  | Object -> "object"
  | Lent -> "lent"
  | Detach -> "detach"
  | Detach_await -> "detach_await"
  | Pool_call -> "pool_call"

let index kind =
  let rec look i = if kinds.(i) = kind then i else look (i + 1) in
  look 0

(* Those of worker domains come last. *)
let kinds_without_domains = index Detach

(* splitmix, with the 63 bits of an [int]. *)
let mix x =
  let x = (x lxor (x lsr 30)) * 0x3f58476d1ce4e5b9 in
  let x = (x lxor (x lsr 27)) * 0x14d049bb133111eb in
  x lxor (x lsr 31)

let decide ~seed ~domains number =
  let state = ref (mix (seed + mix number)) in
  let below n =
    state := !state + 0x1e3779b97f4a7c15;
    mix !state land max_int mod n
  in
  let one_of choices = choices.(below (Array.length choices)) in
  let kind =
    if below 100 = 0 then Collected
    else
      match kinds.(below (if domains then Array.length kinds else kinds_without_domains)) with
      (* It waits for the collector. *)
      | Collected -> Promise
      | kind -> kind
  in
  let place = one_of [| Home; Tokio; Thread |] in
  let wait = one_of [| Nothing; Nothing; Yields; Yields; Timer; Task; Plain_thread |] in
  let turns = below 8 in
  let ending = one_of [| Value; Value; Value; Value; Error; Error; Panic; Dropped |] in
  let ending =
    match (kind, ending) with
    | (On_workers | Blocking | Object | Lent | Spawn | Handle_call | Run_blocking | Detach_await), Dropped -> Panic
    (* Nobody joins it. *)
    | Resolver, Panic when place = Home -> Dropped
    | (Callback | Promise | Ocaml_stream), Panic -> Dropped
    | (Text | Call_async | Blocking_call | Run_blocking_on_pool | Detach | Pool_call), (Panic | Dropped) -> Error
    | (Detached | Hold | Scatter | Collected), _ -> Value
    | _ -> ending
  in
  let protects = below 4 = 0 in
  let gives_up =
    match kind with
    (* Nothing else would end it. *)
    | (Callback | Promise | Ocaml_stream) when ending = Dropped -> below 8
    | Callback | Promise | Call_async | Blocking_call | Pool_call | Rust_stream | Ocaml_stream when below 5 = 0 -> below 12
    | _ -> -1
  in
  let fate =
    match below 16 with
    | 0 | 1 -> Cancelled (below 20)
    | 2 -> Raced (float (below 20) /. 5000.)
    | _ when kind = Hold -> Cancelled (below 20)
    | _ -> Left_alone
  in
  let collects =
    match below 20_000 with
    | 0 -> Some Gc.compact
    | 1 | 2 -> Some Gc.full_major
    | n when n < 60 -> Some Gc.minor
    | _ -> None
  in
  { kind; given = { number; place; wait; turns; ending; protects; gives_up }; fate; collects }

let describe { kind; given; fate; collects = _ } =
  Printf.sprintf "operation %d: %s %s, waits for %s (%d), %s%s%s%s" given.number (name kind)
    (match given.place with Home -> "at home" | Tokio -> "on a Tokio worker" | Thread -> "on a plain thread")
    (match given.wait with
    | Nothing -> "nothing"
    | Yields -> "its turn"
    | Timer -> "a timer"
    | Task -> "a task"
    | Plain_thread -> "a plain thread")
    given.turns
    (match given.ending with Value -> "a value" | Error -> "an error" | Panic -> "a panic" | Dropped -> "dropped")
    (if given.protects then ", protected" else "")
    (if given.gives_up < 0 then "" else Printf.sprintf ", given up after %d" given.gives_up)
    (match fate with
    | Left_alone -> ""
    | Cancelled turns -> Printf.sprintf ", cancelled after %d turns" turns
    | Raced seconds -> Printf.sprintf ", raced with %g s" seconds)
