(* Which plans are programs that end. A plan that breaks a rule of doc/functions.md, or that waits for ever, says nothing about the
   bridge. *)

open Rust_half

(** Where a node is performed. *)
type place =
  | Loop  (** OCaml that may wait, or a future of Rust's. *)
  | Now  (** On the thread that runs Lwt, without waiting. *)
  | Apart  (** A blocking thread, or a worker domain that Rust called: no Lwt, no Rust. *)
  | Worker  (** A job on a worker domain: it calls Rust, and does not wait for Lwt. *)

(** Whether somebody is going to cancel it. What is [Doomed] may wait for ever, and catches nothing: the one who cancels does it
    once. *)
type fate = Free | Doomed

let part nodes = Array.length nodes = 1
let parts nodes = Array.length nodes > 0
let all f nodes = Array.for_all f nodes

let rec rust place fate node =
  let here = rust place fate in
  let waits = place = Loop || place = Worker in
  match node with
  | Give _ | Fail _ | Declared _ | Panic _ -> true
  | Stall -> fate = Doomed && place = Loop
  | Yields _ | Timer _ -> waits
  | Then nodes -> parts nodes && all here nodes
  | Recover nodes | Finally nodes -> Array.length nodes = 2 && all here nodes
  | Select nodes ->
      waits && parts nodes && here nodes.(0) && all (fun node -> rust place Free node || rust place Doomed node) nodes
  | Timeout (_, nodes) -> waits && part nodes && (rust place Free nodes.(0) || rust place Doomed nodes.(0))
  | Task (_, LetGo, nodes) -> place <> Worker && part nodes && rust Loop Free nodes.(0)
  | Task (AtHome, Awaited, nodes) -> waits && part nodes && here nodes.(0)
  | Task ((OnTokio | OnAThread), Awaited, nodes) | Task ((OnTokio | OnAThread), Joined, nodes) ->
      place = Loop && part nodes && here nodes.(0)
  | Task (InTheBlockingPool, _, nodes) | Task (AtHome, Joined, nodes) -> place = Loop && part nodes && rust Loop Free nodes.(0)
  | Task (_, Aborted, nodes) -> place = Loop && part nodes && (rust Loop Free nodes.(0) || rust Loop Doomed nodes.(0))
  | Ocaml (Function, nodes) -> place = Loop && part nodes && ocaml Loop fate nodes.(0)
  (* Who is dropped before the promise is there awaits nothing yet, and cancels nothing. *)
  | Ocaml ((Promise | ProtectedFunction | ProtectedPromise), nodes) -> place = Loop && part nodes && ocaml Loop Free nodes.(0)
  | Ocaml (Interface, nodes) -> place = Loop && part nodes && ocaml Loop fate nodes.(0)
  | Ocaml (InterfaceBlocks, nodes) -> (place = Loop || place = Now) && part nodes && ocaml Now Free nodes.(0)
  | Ocaml ((CallAsync | Closure | RunBlocking), nodes) ->
      part nodes && (match place with Loop -> ocaml Now Free nodes.(0) | Worker -> ocaml Apart Free nodes.(0) | _ -> false)
  | Ocaml (Call, nodes) -> part nodes && ocaml (if place = Worker then Apart else Now) Free nodes.(0)
  | Ocaml ((OnABlockingThread | OnAWorkerDomain), nodes) -> place = Loop && part nodes && ocaml Apart Free nodes.(0)
  | ReadLwt { lwt_items; lwt_before; lwt_end; pushed; lwt_window; _ } ->
      place = Loop && lwt_items >= 0 && lwt_window > 0 && part lwt_before && part lwt_end
      && ocaml Loop Free lwt_before.(0) && ocaml Loop Free lwt_end.(0)
      && (not pushed || (lwt_before.(0) = Return Nothing && lwt_end.(0) = Return Nothing))

and ocaml place fate node =
  let here = ocaml place fate in
  let one nodes fate = part nodes && ocaml place fate nodes.(0) in
  let either nodes = one nodes Free || one nodes Doomed in
  match node with
  | Return _ | Raise _ | Collect _ -> true
  | WaitForEver -> place = Loop && fate = Doomed
  | Pause _ | Sleep _ -> place = Loop
  | Bind nodes -> parts nodes && all here nodes
  | Catch nodes -> fate = Free && Array.length nodes = 2 && all here nodes
  | WithValue (_, nodes) -> (place = Loop || place = Now) && one nodes fate
  | CancelAfter (_, nodes) | WithTimeout (_, nodes) -> place = Loop && if fate = Doomed then one nodes Doomed else either nodes
  | Pick nodes ->
      place = Loop && parts nodes && here nodes.(0)
      && all (fun node -> (fate = Free && ocaml place Free node) || ocaml place Doomed node) nodes
  | Both nodes -> place = Loop && parts nodes && all here nodes
  | Protected nodes -> place = Loop && one nodes Free
  | NoCancel nodes -> place = Loop && fate = Free && one nodes Free
  | CallRust ((Sync | MethodSync), nodes) -> (place = Loop || place = Now) && part nodes && rust Now Free nodes.(0)
  | CallRust ((Detached | Resolver _ | Lent InTheBlockingPool), nodes) -> place = Loop && part nodes && rust Loop Free nodes.(0)
  | CallRust ((Blocking | MethodBlocking | Func | Tokio | Method | MethodTokio), nodes) when place = Worker ->
      part nodes && rust Worker Free nodes.(0)
  | CallRust ((Blocking | MethodBlocking), nodes) -> place = Loop && part nodes && rust Loop Free nodes.(0)
  | CallRust ((Func | Tokio | Method | MethodTokio | SpawnLwt | Lent _), nodes) -> place = Loop && part nodes && rust Loop fate nodes.(0)
  | ReadRust { rust_items; rust_window; rust_before; rust_end; ocaml_reader; hesitates } ->
      place = Loop && rust_items >= 0 && rust_window > 0 && part rust_before && part rust_end
      && (fate = Free || not hesitates)
      && rust Loop Free rust_before.(0)
      && (match ocaml_reader with
         | (Closes n | LetsGo n) when n <= rust_items -> rust Loop Free rust_end.(0) || rust Loop Doomed rust_end.(0)
         | _ -> rust Loop Free rust_end.(0))
  | Job nodes -> place = Loop && part nodes && ocaml Worker Free nodes.(0)
  | Fair _ | Owned _ | Backtrace _ -> place = Loop
[@@ocamlformat "disable"]

(** How a process ends, after so many turns of the loop. *)
type last =
  | Returns
  | Exits of int
  | Shuts_down of int
  | Forks of int
  | Alarms of int
  | Hosts of hosted  (** [main] is Rust's, which calls the programs. *)

(** Some programs that run at the same time, in one process. *)
type case = { programs : in_ocaml list; last : last }

(** Which call is the host's for a program. *)
let call_of { calls; _ } i = calls.(i mod Array.length calls)

let case { programs; last } =
  let allowed i program =
    ocaml Loop Free program
    || match last with Hosts hosted -> (call_of hosted i).patience <> Waits && ocaml Loop Doomed program | _ -> false
  in
  let has_calls = match last with Hosts { calls; _ } -> calls <> [||] | _ -> true in
  programs <> [] && has_calls && List.for_all Fun.id (List.mapi allowed programs)
