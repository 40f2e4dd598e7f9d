(* The OCaml half of the bridge. What Rust does is in rust/ocaml-lwt-interop/src; the externals stand in exports.rs, in
   this order. *)

exception Rust_error of { message : string; causes : string list }
exception Rust_panic of { message : string; location : string }
exception Broken_promise
exception Misuse of string

let () =
  Printexc.register_printer (function
    | Rust_error { message; causes } ->
        Some (String.concat ": " (("Rust_async.Rust_error: " ^ message) :: causes))
    | Rust_panic { message; location } ->
        Some
          (if location = "" then Printf.sprintf "Rust_async.Rust_panic: %s" message
          else Printf.sprintf "Rust_async.Rust_panic: %s, at %s" message location)
    | Broken_promise -> Some "Rust_async.Broken_promise"
    | Misuse message -> Some ("Rust_async.Misuse: " ^ message)
    | _ -> None)

(* Rust finds the exception by its name, or by the number of its constructor; see registered.rs. *)
let register_exception name exn =
  if String.contains name '\000' then invalid_arg "Rust_async.register_exception: a zero byte in the name";
  let constructor = Obj.Extension_constructor.(id (of_val exn)) in
  Callback.register ("ocaml_lwt_interop.exception." ^ name) exn;
  Callback.register (Printf.sprintf "ocaml_lwt_interop.constructor.%d" constructor) exn

(* Owned by the callbacks on a promise that Rust awaits; see token.rs. *)
type token

type backtrace = Printexc.raw_backtrace option

(* Owns a Rust stream that OCaml reads; see stream_token.rs. *)
type stream_token

(* What a Rust stream has for its reader; the order is that of pump.rs. *)
type arrived =
  | Later
  | Ended
  | Elsewhere
  | Items of Obj.t  (** A block of them. *)
  | Failed of exn * backtrace
[@@warning "-37"]

(* A Rust stream as OCaml reads it. *)
type reader = {
  stream_token : stream_token;
  mutable items : Obj.t;
  mutable taken : int;  (* how many of the items were read *)
  mutable ending : arrived;  (* [Later] until it has come *)
  mutable waiting : Obj.t option Lwt.u option;
  mutable read_by : Obj.t Lwt_stream.t option;
}

(* What Rust reads of an OCaml stream at once: the stream again, the read that was begun and is pending, the items, and
   what came behind them. *)
type batch = Obj.t Lwt_stream.t * Obj.t option Lwt.t option * Obj.t list * behind
and behind = More | End | Exception of exn

(* What Rust calls; the order is that of callbacks.rs. *)
type callbacks = {
  resolved : Obj.t -> Obj.t Lwt.t;
  failed : exn -> backtrace -> Obj.t Lwt.t;
  pending : int -> bool -> Obj.t Lwt.t * Obj.t Lwt.u;
  fulfil : Obj.t Lwt.u -> Obj.t -> unit;
  reject : Obj.t Lwt.u -> exn -> backtrace -> unit;
  arm : unit -> unit;
  state : Obj.t Lwt.t -> Obj.t Lwt.state;
  subscribe : Obj.t Lwt.t -> token -> int -> unit;
  release : int -> bool -> unit;
  cancel : Obj.t Lwt.t -> unit;
  describe : exn -> string * backtrace;
  async : exn -> unit;
  rust_error : string -> string list -> exn;
  rust_panic : string -> string -> exn;
  broken_promise : unit -> exn;
  misuse : string -> exn;
  predefined : int -> string -> exn;
  canceled : unit -> exn;
  stream : stream_token -> Obj.t Lwt_stream.t * reader Weak.t;
  arrived : reader Weak.t -> arrived -> unit;
  read : Obj.t Lwt_stream.t -> Obj.t option Lwt.t option -> int -> batch Lwt.t;
}

(* What there is to do at the beginning of a turn; the order is that of exports.rs. *)
type turn = Nothing | Tick | Wrong_thread | Forked | Yield | Tick_and_yield [@@warning "-37"]

external start_executor : callbacks -> int = "ocaml_lwt_interop_start"
external turn : unit -> turn = "ocaml_lwt_interop_turn" [@@noalloc]
external tick : bool -> unit = "ocaml_lwt_interop_tick"
external readable : unit -> bool = "ocaml_lwt_interop_readable" [@@noalloc]
external lost_pause : unit -> unit = "ocaml_lwt_interop_lost_pause" [@@noalloc]
external cancel : int -> unit = "ocaml_lwt_interop_cancel"
external fulfilled : token -> Obj.t -> unit = "ocaml_lwt_interop_fulfilled"
external rejected : token -> exn -> unit = "ocaml_lwt_interop_rejected"
external forget : token -> unit = "ocaml_lwt_interop_forget" [@@noalloc]
external pull : stream_token -> arrived = "ocaml_lwt_interop_pull"
external abandon : stream_token -> unit = "ocaml_lwt_interop_abandon" [@@noalloc]
external shutdown_executor : float -> unit = "ocaml_lwt_interop_shutdown"
external disown : unit -> unit = "ocaml_lwt_interop_disown"

external configure_tokio : int option -> string option -> int option -> int option -> float option -> bool
  = "ocaml_lwt_interop_configure"

(* What Rust knows of a pool of worker domains by its number, which is the first field. *)
type pool = { number : int; domains : Domains.t array; mutable ended : unit Lwt.t option }

external pool_create : int -> int = "ocaml_lwt_interop_pool_create"
external pool_start : int -> int -> unit = "ocaml_lwt_interop_pool_start" [@@noalloc]
external pool_serve : (unit -> unit) -> unit = "ocaml_lwt_interop_pool_serve"
external pool_turn : unit -> bool = "ocaml_lwt_interop_pool_turn"
external pool_gone : int -> int -> unit = "ocaml_lwt_interop_pool_gone" [@@noalloc]
external pool_close : int -> bool -> unit Lwt.t = "ocaml_lwt_interop_pool_close"
external pool_forget : int -> unit = "ocaml_lwt_interop_pool_forget" [@@noalloc]
external pool_detach : pool -> (unit -> 'a) -> 'a Lwt.t = "ocaml_lwt_interop_pool_detach"
external stats_of_executor : unit -> int * int * int = "ocaml_lwt_interop_stats"

(* Endings. *)

(* [Printexc.get_raw_backtrace] in a handler of the rejected promise gives the backtrace that the exception came with:
   Lwt keeps none, so it is put back where the runtime keeps the last one. *)
let restore_backtrace exn = function
  | None -> ()
  | Some backtrace -> ( try Printexc.raise_with_backtrace exn backtrace with _ -> ())

let failed exn backtrace =
  restore_backtrace exn backtrace;
  Lwt.fail exn

let reject resolver exn backtrace =
  restore_backtrace exn backtrace;
  Lwt.wakeup_exn resolver exn

let describe exn =
  let backtrace = if Printexc.backtrace_status () then Some (Printexc.get_raw_backtrace ()) else None in
  (Printexc.to_string exn, backtrace)

let predefined which message =
  match which with
  | 0 -> Not_found
  | 1 -> Failure message
  | 2 -> Invalid_argument message
  | 3 -> Out_of_memory
  | 4 -> Stack_overflow
  | 5 -> End_of_file
  | 6 -> Division_by_zero
  | 7 -> Sys_blocked_io
  | _ -> Sys_error message

(* rust_to_lwt *)

let pending key cancelable =
  let promise, resolver = Lwt.task () in
  if cancelable then Lwt.on_cancel promise (fun () -> cancel key);
  (promise, resolver)

let on_pause () = tick true
let arm () = Lwt.on_success (Lwt.pause ()) on_pause

(* lwt_to_rust. Rust must not keep an awaited promise alive, or it could not be collected when nobody can resolve it any
   more; so Rust holds the index of a weak table, and the callbacks hold the subscription. *)

type subscription = {
  promise : Obj.t Lwt.t;
  guard : Obj.t Lwt.t;  (* what the callbacks are on *)
  token : token;
}

let subscriptions : subscription Weak.t ref = ref (Weak.create 64)

let remember index subscription =
  let size = Weak.length !subscriptions in
  if index >= size then begin
    let larger = Weak.create (max (2 * size) (index + 1)) in
    Weak.blit !subscriptions 0 larger 0 size;
    subscriptions := larger
  end;
  Weak.set !subscriptions index (Some subscription)

(* Rust says whether the wait is direct: whether its callbacks may stay on the promise, see subscription.rs. What is on the
   guard can be taken off, by cancelling that. *)
let subscribe promise token index_and_direct =
  let guard = if index_and_direct land 1 = 1 then promise else Lwt.protected promise in
  let subscription = { promise; guard; token } in
  remember (index_and_direct lsr 1) subscription;
  Lwt.on_any guard
    (fun value -> fulfilled subscription.token value)
    (fun exn -> rejected subscription.token exn)

(* May be called twice, see subscription.rs. *)
let release index cancelled =
  match Weak.get !subscriptions index with
  | None -> ()
  | Some { promise; guard; token } ->
      Fun.protect
        ~finally:(fun () -> if guard == promise then forget token else Lwt.cancel guard)
        (fun () -> if cancelled then Lwt.cancel promise)

(* Streams, rust_to_lwt. Rust must not keep a stream alive that nobody reads, or it could not be collected; so Rust holds a
   weak pointer to its reader, and the stream's function holds the reader. But a program that waits for an item is often held
   by nothing else than what the item will resolve: so a reader that is about to be collected looks whether anybody waits,
   and if so lives on until the next collection. *)

let rec last_look reader =
  match reader with
  | { waiting = Some _; read_by = Some stream; _ } when Waited.by_anybody stream -> Gc.finalise last_look reader
  | { stream_token; _ } -> abandon stream_token

let end_with reader ending =
  reader.ending <- Ended;
  match ending with
  | Failed (exn, backtrace) -> failed exn backtrace
  | _ -> Lwt.return_none

let begin_items reader items =
  reader.items <- items;
  reader.taken <- 1;
  Some (Obj.field items 0)

(* What [Lwt_stream.from] asks for the next item. *)
let next reader =
  if reader.taken < Obj.size reader.items then begin
    let item = Obj.field reader.items reader.taken in
    reader.taken <- reader.taken + 1;
    Lwt.return_some item
  end
  else
    match reader.ending with
    | Later -> (
        match pull reader.stream_token with
        | Later when reader.ending != Later -> end_with reader reader.ending
        | Later ->
            let promise, resolver = Lwt.wait () in
            reader.waiting <- Some resolver;
            promise
        | Items items -> Lwt.return (begin_items reader items)
        | Elsewhere ->
            Lwt.fail
              (Misuse
                 "a stream of Rust's was read on a thread that does not run Lwt, so the next item could not wake it: read it \
                  there, or with Lwt_preemptive.run_in_main")
        | (Ended | Failed _) as ending -> end_with reader ending)
    | ending -> end_with reader ending

let no_items = Obj.repr [||]

let stream stream_token =
  Waited.prepare ();
  let reader =
    { stream_token; items = no_items; taken = 0; ending = Later; waiting = None; read_by = None }
  in
  let stream = Lwt_stream.from (fun () -> next reader) in
  reader.read_by <- Some stream;
  let weak = Weak.create 1 in
  Weak.set weak 0 (Some reader);
  Gc.finalise last_look reader;
  (stream, weak)

let arrived weak arrived =
  match Weak.get weak 0 with
  | None -> ()
  | Some reader -> (
      match (reader.waiting, arrived) with
      | Some resolver, Items items ->
          reader.waiting <- None;
          Lwt.wakeup resolver (begin_items reader items)
      | Some resolver, Failed (exn, backtrace) ->
          reader.waiting <- None;
          reader.ending <- Ended;
          reject resolver exn backtrace
      | Some resolver, _ ->
          reader.waiting <- None;
          reader.ending <- Ended;
          Lwt.wakeup resolver None
      | None, ending -> reader.ending <- ending)

(* Streams, lwt_to_rust. A read that was begun is never given up while the stream goes on: its exception would be lost. *)

let read stream pending window =
  let rec collect items left pending =
    let get () = match pending with Some get -> get | None -> Lwt_stream.get stream in
    if left = 0 then Lwt.return (stream, pending, List.rev items, More)
    else
      match get () with
      | exception exn -> ended items (Exception exn)
      | get -> (
          match Lwt.state get with
          | Lwt.Return (Some item) -> collect (item :: items) (left - 1) None
          | Lwt.Return None -> ended items End
          | Lwt.Fail exn -> ended items (Exception exn)
          | Lwt.Sleep when items = [] ->
              Lwt.try_bind
                (fun () -> get)
                (function Some item -> collect [ item ] (left - 1) None | None -> ended [] End)
                (fun exn -> ended [] (Exception exn))
          | Lwt.Sleep -> Lwt.return (stream, Some get, List.rev items, More))
  and ended items behind = Lwt.return (stream, None, List.rev items, behind) in
  collect [] window pending

(* The loop. *)

let callbacks =
  {
    resolved = Lwt.return;
    failed;
    pending;
    fulfil = Lwt.wakeup;
    reject;
    arm;
    state = Lwt.state;
    subscribe;
    release;
    cancel = Lwt.cancel;
    describe;
    async = (fun exn -> !Lwt.async_exception_hook exn);
    rust_error = (fun message causes -> Rust_error { message; causes });
    rust_panic = (fun message location -> Rust_panic { message; location });
    broken_promise = (fun () -> Broken_promise);
    misuse = (fun message -> Misuse message);
    predefined;
    canceled = (fun () -> Lwt.Canceled);
    stream;
    arrived;
    read;
  }

let misuse format = Printf.ksprintf (fun message -> raise (Misuse message)) format
let this_thread () = Thread.id (Thread.self ())

(* The thread that Lwt's loop was last seen to run on, before the executor started. *)
let lwt_thread = ref None
let descriptor_event = ref Lwt_engine.fake_event
let started = ref false

(* What was resolved in a hook may be what [Lwt_main.run] waits for, so the loop must not block in its engine now. *)
let not_block () = if Lwt.paused_count () = 0 then ignore (Lwt.pause () : unit Lwt.t)

let after_fork () =
  Lwt_engine.stop_event !descriptor_event;
  descriptor_event := Lwt_engine.fake_event;
  started := false;
  disown ();
  not_block ()

let tick_in_hook () =
  if Lwt.paused_count () = 0 then lost_pause ();
  tick false;
  not_block ()

(* The beginning of a turn: a task that a stub has queued costs no turn of its own; and a thread of Tokio's that runs an
   OCaml function, and waits for the runtime lock, would get it from a loop that never sleeps only after 50 ms. *)
let on_turn () =
  if not !started then lwt_thread := Some (this_thread ())
  else
    match turn () with
    | Nothing -> ()
    | Tick -> tick_in_hook ()
    | Yield -> Thread.yield ()
    | Tick_and_yield ->
        tick_in_hook ();
        Thread.yield ()
    | Forked -> after_fork ()
    | Wrong_thread ->
        misuse
          "Lwt_main.run was called on thread %d, but Rust functions were called before on another one, which is the \
           thread whose promises they are: run Lwt on the thread that calls them first"
          (this_thread ())

(* The end. *)

let shutdown ?(timeout = 1.0) () =
  if !started then
    match turn () with
    | Wrong_thread ->
        misuse
          "Rust_async.shutdown was called on thread %d, but the promises that it rejects are those of another one: call \
           it where Lwt runs"
          (this_thread ())
    | Nothing | Tick | Forked | Yield | Tick_and_yield -> shutdown_executor timeout

(* The program's own hooks may still call Rust and await it: those of [at_exit], which were registered after the one
   below and run before it, and those of [Lwt_main.at_exit], behind which this goes. *)
let shutdown_behind_exit_hooks () =
  let hook () =
    shutdown ();
    Lwt.return_unit
  in
  ignore (Lwt_main.Exit_hooks.add_last hook : Lwt_main.Exit_hooks.hook)

(* [at_exit]'s hooks run: a first call now comes from one of Lwt's. *)
let exiting = ref false

(* In a worker domain's job: the process ends, and the rest is Lwt's thread's. *)
let exit () =
  if Domains.is_main () then begin
    exiting := true;
    if !started then shutdown_behind_exit_hooks ()
  end

(* The beginning. *)

(* Lwt hears of its children by a handler of [SIGCHLD], which it installs in the first turn of its loop, in place of any that
   is there; Tokio by one that calls what it finds there. So Lwt's comes first: what waits for a child of Lwt's installs it
   (lwt_unix.ml, 5.6 to 6.1), and this process is no child of its own. *)
let hear_of_children () =
  try ignore (Lwt_unix.waitpid [ WNOHANG ] (Unix.getpid ()) : (int * Unix.process_status) Lwt.t)
  with Unix.Unix_error (ECHILD, _, _) -> ()

let start () =
  let descriptor : Unix.file_descr = Obj.magic (start_executor callbacks : int) in
  (* Else a signal handler that has run since this call began has called Rust as well, and it did the rest. *)
  if not !started then begin
    started := true;
    descriptor_event := Lwt_engine.on_readable descriptor (fun _ -> if readable () then arm ());
    hear_of_children ();
    if !exiting then shutdown_behind_exit_hooks ()
  end

(* Where what was called on this thread should have been called. *)
let where_else () =
  if Domains.is_main () then "with Lwt_preemptive.run_in_main" else "in a job of a Rust_async.Domain_pool"

(* Called by Rust for a call that it cannot go on with; see start.rs for the numbers. *)
let start_or_refuse reason what =
  match reason with
  | 0 ->
      let here = this_thread () in
      let allowed = match !lwt_thread with None -> here = 0 | Some thread -> here = thread in
      if allowed then start ()
      else
        misuse
          "%s was called on thread %d, which does not run Lwt, so its promise could not be resolved: call it on the \
           main thread, or %s"
          what here (where_else ())
  | 1 ->
      misuse
        "%s was called on thread %d, but Lwt runs on another one, and only that may touch its promises: call it there, \
         or %s"
        what (this_thread ()) (where_else ())
  | 2 ->
      misuse
        "%s was called in the child of a fork, where Rust's threads do not exist: call Rust functions after \
         Unix.execv, or fork before the first call"
        what
  | _ ->
      misuse
        "%s was called after Rust_async.shutdown, which happens at exit too: Rust runs nothing any more, so call it \
         earlier"
        what

let configure ?worker_threads ?thread_name ?max_blocking_threads ?thread_stack_size ?thread_keep_alive () =
  if not (configure_tokio worker_threads thread_name max_blocking_threads thread_stack_size thread_keep_alive) then
    misuse
      "Rust_async.configure was called after Tokio's runtime had started, which cannot be changed: call it before the \
       first Rust function"

(* Worker domains. *)

module Domain_pool = struct
  type t = pool

  (* What comes between two turns is a finaliser's exception, a signal handler's, or the memory's end. More of them may come
     at any point behind it, where no handler is: Rust calls this again until it returns. *)
  let turns () =
    try
      while pool_turn () do
        ()
      done
    with exn ->
      (try Printf.eprintf "Rust_async.Domain_pool: a worker domain goes on after %s\n%!" (Printexc.to_string exn)
       with _ -> ());
      raise exn

  let worker number index () =
    pool_start number index;
    pool_serve turns

  (* A domain begins with the signals of this thread, and blocks them a moment later. *)
  let without_signals f =
    let all = Sys.[ sighup; sigint; sigquit; sigterm; sigalrm; sigvtalrm; sigprof; sigusr1; sigusr2; sigchld; sigcont; sigpipe ] in
    let before = Thread.sigmask Unix.SIG_BLOCK all in
    Fun.protect f ~finally:(fun () -> ignore (Thread.sigmask Unix.SIG_SETMASK before : int list))

  let shutdown ?(cancel = false) pool =
    let left = pool_close pool.number cancel in
    match (pool.ended, Lwt.state left) with
    | Some ended, _ -> ended
    | None, Lwt.Fail _ -> left
    | None, _ ->
        let join () =
          Array.iter Domains.join pool.domains;
          pool_forget pool.number
        in
        let ended = Lwt.no_cancel (Lwt.map join left) in
        pool.ended <- Some ended;
        ended

  let create ~domains =
    if not Domains.available then
      failwith
        "Rust_async.Domain_pool.create needs OCaml 5: on OCaml 4 one domain runs all OCaml code, so nothing would run in \
         parallel; use Lwt_preemptive.detach for what blocks";
    if domains < 1 || domains > Domains.most then
      invalid_arg (Printf.sprintf "Rust_async.Domain_pool.create: %d domains, not 1 to %d" domains Domains.most);
    let number = pool_create domains in
    let rec spawn spawned index =
      if index = domains then { number; domains = Array.of_list (List.rev spawned); ended = None }
      else
        match without_signals (fun () -> Domains.spawn (worker number index)) with
        | domain -> spawn (domain :: spawned) (index + 1)
        | exception exn ->
            for missing = index to domains - 1 do
              pool_gone number missing
            done;
            let some = { number; domains = Array.of_list (List.rev spawned); ended = None } in
            Lwt.dont_wait (fun () -> shutdown some) ignore;
            raise exn
    in
    spawn [] 0

  let detach pool f x = pool_detach pool (fun () -> f x)

  let await promise =
    match Lwt.state promise with
    | Lwt.Return value -> value
    | Lwt.Fail exn -> raise exn
    | Lwt.Sleep ->
        misuse
          "Rust_async.Domain_pool.await was called with a pending promise, which Lwt's loop would have to resolve: bind it \
           where Lwt runs; on a worker domain, await promises of Rust functions that are called there"
end

type stats = { tasks : int; subscriptions : int; roots : int }

let stats () =
  let tasks, subscriptions, roots = stats_of_executor () in
  { tasks; subscriptions; roots }

let () =
  Callback.register "ocaml_lwt_interop.start" start_or_refuse;
  ignore (Lwt_main.Enter_iter_hooks.add_last on_turn : Lwt_main.Enter_iter_hooks.hook);
  at_exit exit
