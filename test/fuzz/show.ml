(* A case as a person reads it: what OCaml does as OCaml, and what Rust does as Rust. *)

open Rust_half
open Rules

let text = Printf.sprintf
let indented lines = List.map (fun line -> "  " ^ line) lines

(* The first line of the inner one behind [before], the last before [after]. *)
let around before lines after =
  match lines with [ line ] -> [ (if before = "" then line else before ^ " " ^ line) ^ after ] | lines -> (before :: indented lines) @ [ after ]

let value v = match v with Nothing -> "()" | Int n -> string_of_int n | v -> text "(%s)" (Source.value v)
let ocaml_exception n = text "raise (Planned %d)" n
let milliseconds n = text "%g" (0.1 *. float n)

let rec rust node =
  let inside nodes = List.concat_map rust (Array.to_list nodes) in
  let each nodes = List.concat_map (fun node -> around "" (rust node) ",") (Array.to_list nodes) in
  match node with
  | Give v -> [ text "Ok(%s)" (value v) ]
  | Fail n -> [ text "Err(Error::msg(\"planned error %d\"))" n ]
  | Declared n -> [ text "Err(Declared { number: %d }.into())" n ]
  | Panic n -> [ text "panic!(\"planned panic %d\")" n ]
  | Stall -> [ "pending().await" ]
  | Yields n -> [ text "yield_now().await /* %d times */" n ]
  | Timer n -> [ text "sleep(%s ms).await" (milliseconds n) ]
  | Then nodes -> List.concat_map (fun node -> around "" (rust node) "?;") (Array.to_list nodes)
  | Recover nodes -> around "match {" (rust nodes.(0)) "} {" @ around "  Err(_) => {" (rust nodes.(1)) "}, ok => ok }"
  | Finally nodes -> around "let ended = {" (rust nodes.(0)) "};" @ around "let _ = {" (rust nodes.(1)) "}; ended"
  | Select nodes -> around "first_of!(" (each nodes) ")"
  | Timeout (n, nodes) -> around (text "timeout(%s ms, async {" (milliseconds n)) (inside nodes) "}).await"
  | Task (place, join, nodes) ->
      let spawn =
        match place with
        | AtHome -> "handle().spawn"
        | OnTokio -> "tokio::spawn"
        | OnAThread -> "a_plain_thread.spawn"
        | InTheBlockingPool -> "spawn_blocking"
      in
      let join = match join with Awaited -> ".await" | Joined -> ".await?" | Aborted -> " /* aborted */.await" | LetGo -> ".detach()" in
      around (text "%s(async {" spawn) (inside nodes) (text "})%s" join)
  | Ocaml (way, nodes) ->
      let before, after =
        match way with
        | Function -> ("async_func(ocaml!(", ")).await")
        | ProtectedFunction -> ("async_func(ocaml!(", ")).protected().await")
        | Promise -> ("func_that_gives_a_promise(ocaml!(", ")).await?.await")
        | ProtectedPromise -> ("func_that_gives_a_promise(ocaml!(", ")).await?.protected().await")
        | CallAsync -> ("func.call_async(ocaml!(", ")).await")
        | Call -> ("func.call(ocaml!(", "))")
        | Closure -> ("home.call(|gc| func.call(gc, ocaml!(", "))).await")
        | RunBlocking -> ("spawn_blocking(|| home.run_blocking(|gc| func.call(gc, ocaml!(", ")))).await")
        | OnABlockingThread -> ("run_blocking_in_ocaml(ocaml!(", ")).await")
        | OnAWorkerDomain -> ("domain_pool.call(ocaml!(", ")).await")
        | Interface -> ("interface.perform(ocaml!(", ")).await")
        | InterfaceBlocks -> ("interface.perform_now(ocaml!(", "))")
      in
      around before (List.concat_map ocaml (Array.to_list nodes)) after
  | ReadLwt items ->
      around
        (text "/* %s, window %d%s */ lwt_stream(ocaml!(%d items, each behind" (Source.reader items.rust_reader) items.lwt_window
           (if items.by_interface then ", an interface's" else "") items.lwt_items)
        (List.concat_map ocaml (Array.to_list items.lwt_before) @ [ "and the end behind" ] @ List.concat_map ocaml (Array.to_list items.lwt_end))
        ")).read().await"

and ocaml node =
  let inside nodes = List.concat_map ocaml (Array.to_list nodes) in
  let each nodes = List.concat_map (fun node -> around "" (ocaml node) ";") (Array.to_list nodes) in
  match node with
  | Return v -> [ text "Lwt.return %s" (value v) ]
  | Raise n -> [ ocaml_exception n ]
  | WaitForEver -> [ "fst (Lwt.task ())" ]
  | Pause n -> [ text "pauses %d" n ]
  | Sleep n -> [ text "Lwt_unix.sleep (%s ms)" (milliseconds n) ]
  | Bind nodes -> List.concat_map (fun node -> around "" (ocaml node) " >>= fun _ ->") (Array.to_list nodes) @ [ "(* the last *)" ]
  | Catch nodes -> around "Lwt.catch (fun () ->" (ocaml nodes.(0)) ")" @ around "  (fun _ ->" (ocaml nodes.(1)) ")"
  | WithValue (n, nodes) -> around (text "Lwt.with_value key (Some %d) (fun () ->" n) (inside nodes) ")"
  | Collect how -> [ (match how with Minor -> "Gc.minor ()" | Major -> "Gc.full_major ()" | Compact -> "Gc.compact ()") ]
  | CancelAfter (n, nodes) -> around (text "cancelled_after_pauses %d (fun () ->" n) (inside nodes) ")"
  | Pick nodes -> around "Lwt.pick [" (each nodes) "]"
  | Both nodes -> around "Lwt.join [" (each nodes) "]"
  | Protected nodes -> around "Lwt.protected (" (inside nodes) ")"
  | NoCancel nodes -> around "Lwt.no_cancel (" (inside nodes) ")"
  | WithTimeout (n, nodes) -> around (text "Lwt_unix.with_timeout (%s ms) (fun () ->" (milliseconds n)) (inside nodes) ")"
  | CallRust (kind, nodes) ->
      around (text "rust! { /* %s */ async {" (Table.row_of_kind kind)) (List.concat_map rust (Array.to_list nodes)) "} }"
  | ReadRust items ->
      around
        (text "read (* %s, window %d%s *) rust! { stream of %d items, each behind" (Source.reader items.ocaml_reader) items.rust_window
           (if items.hesitates then ", each read cancelled first" else "") items.rust_items)
        (List.concat_map rust (Array.to_list items.rust_before) @ [ "and the end behind" ] @ List.concat_map rust (Array.to_list items.rust_end))
        "}"
  | Job nodes -> around "Domain_pool.detach pool (fun () ->" (inside nodes) ") ()"
  | Fair source ->
      [ (match source with
        | Polls -> "a Rust task that yields until Lwt's timer has come"
        | Channel -> "a Rust task that reads a full channel until Lwt's timer has come"
        | RustStream -> "a Rust stream that is always ready, read until Lwt's timer has come"
        | LwtStream -> "an OCaml stream that is always ready, which Rust reads until Lwt's timer has come") ]
  | Owned n -> [ text "owned %d (* an array of Rust's *)" n ]
  | Backtrace n -> [ text "an exception that comes through Rust after %d yields, with its backtrace" n ]
[@@ocamlformat "disable"]

let from = function
  | FromMain -> "main"
  | FromATask -> "a task of Tokio's"
  | FromAThread -> "a plain thread"
  | FromBlockOn -> "a plain thread, in block_on"
  | FromTheBlockingPool -> "spawn_blocking"
  | FromHome -> "a task at home"

let call i { caller; patience } =
  let until =
    match patience with
    | Waits -> ""
    | WaitsFor n -> text ", dropped after %s ms" (milliseconds n)
    | DropsAfter n -> text ", dropped after %d yields" n
  in
  text "Rust calls program_%d from %s%s" (i + 1) (from caller) until

let host programs h =
  let begins =
    match h.begins with
    | Starts -> "host::start().await"
    | TwoStart -> "two tasks await host::start()"
    | StartIsDropped -> "the future of host::start() is dropped"
    | ModuleRaises -> "a module raises while it is initialised"
    | ModuleExits -> "a module calls exit while it is initialised"
    | ProvidesNothing -> "no module provides anything"
  in
  let place = function
    | InAPromise -> "in a promise"
    | InACallback -> "in a callback"
    | BelowRust -> "in a function that Rust calls, which OCaml has called"
    | OnAnotherThread -> "on another thread"
    | WhereItBlocks -> "on a blocking thread"
  in
  let ends =
    match h.ends with
    | AllEnd -> "all have ended, and then ocaml.shutdown().await"
    | ShutsDown caller -> text "ocaml.shutdown().await, by several, from %s" (from caller)
    | ShutsDownInAHurry -> "OCaml computes, and ocaml.shutdown_within() is in a hurry"
    | OcamlShutsDown -> "OCaml calls Rust_async.shutdown ()"
    | OcamlExits where -> text "OCaml calls exit 7, %s" (place where)
    | LeavesTheLoop -> "an exception leaves Lwt's loop"
    | RuntimeGoes -> "Tokio's runtime is dropped"
    | MainReturns -> "main returns"
    | MainExits -> "std::process::exit(9)"
    | MainPanics -> "main panics"
  in
  text "main is Rust's, with a runtime of %s: %s" (if h.one_thread then "one thread" else "several threads") begins
  :: List.mapi (fun i _ -> call i (call_of h i)) programs
  @ [ text "after %d turns: %s" h.after ends ]

let case { programs; last } =
  let program i node = around (text "let program_%d () =" (i + 1)) (ocaml node) "" in
  let last =
    match last with
    | Returns -> []
    | Exits n -> [ text "exit 7, after %d pauses" n ]
    | Shuts_down n -> [ text "Rust_async.shutdown (), after %d pauses" n ]
    | Forks n -> [ text "a fork, after %d pauses" n ]
    | Hosts h -> host programs h
    | Alarms n -> [ text "a signal handler that raises every 100 us, for %d ms" n ]
  in
  String.concat "\n" (List.concat (List.mapi program programs) @ last)
