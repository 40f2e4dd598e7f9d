external start_executor : Callbacks.t -> int = "ocaml_lwt_interop_start"
external prepare_executor : Callbacks.t -> unit = "ocaml_lwt_interop_prepare"
external is_prepared : unit -> bool = "ocaml_lwt_interop_is_prepared" [@@noalloc]
external is_lwt_thread : unit -> bool = "ocaml_lwt_interop_is_lwt_thread" [@@noalloc]
external shutdown_executor : float -> unit = "ocaml_lwt_interop_shutdown"
external disown : unit -> unit = "ocaml_lwt_interop_disown"
external stats : unit -> int * int * int * int * int = "ocaml_lwt_interop_stats"

external configure_tokio : int option -> string option -> int option -> int option -> float option -> bool
  = "ocaml_lwt_interop_configure"

let this_thread () = Thread.id (Thread.self ())

(* The thread that Lwt's loop was last seen to run on, before the executor started. *)
let lwt_thread = ref None
let descriptor_event = ref Lwt_engine.fake_event
let started = ref false

(* The wake descriptor, from when Rust has its half of the executor. *)
let wake_descriptor = ref (-1)

(* Whether the engine has it. *)
let registered = ref false

(* [at_exit]'s hooks run: a first call now comes from one of Lwt's. *)
let exiting = ref false

(* On this thread. *)
let exits = ref (-1)

(* Rust may poll in it. *)
let shutdown_executor timeout =
  Storage.refresh ();
  shutdown_executor timeout

(* In a program of Rust's, what ends Lwt's loop. *)
let when_shut_down = ref ignore

let shutdown_started ?(timeout = 1.0) () =
  if !started then
    if is_lwt_thread () then begin
      shutdown_executor timeout;
      !when_shut_down ()
    end
    else
      Errors.refuse
        "Rust_async.shutdown was called on thread %d, but the promises that it rejects are those of another one: call it \
         where Lwt runs"
        (this_thread ())

(* The program's own hooks may still call Rust and await it: those of [at_exit], which were registered after the one
   below and run before it, and those of [Lwt_main.at_exit], after which this goes. Not where another thread exits: its hooks may be
   resolved by Lwt's thread, which is stopped only when its turn begins. *)
let shutdown_after_exit_hooks () =
  let hook () =
    if this_thread () = !exits && is_lwt_thread () then shutdown_started ();
    Lwt.return_unit
  in
  ignore (Lwt_main.Exit_hooks.add_last hook : Lwt_main.Exit_hooks.hook)

let without_signals f =
  let all = Sys.[ sighup; sigint; sigquit; sigterm; sigalrm; sigvtalrm; sigprof; sigusr1; sigusr2; sigchld; sigcont; sigpipe ] in
  let before = Thread.sigmask Unix.SIG_BLOCK all in
  let restore () = ignore (Thread.sigmask Unix.SIG_SETMASK before : int list) in
  match f () with
  | () -> restore ()
  | exception exn ->
      restore ();
      raise exn

(* Lwt hears of its children by a handler of [SIGCHLD], which it installs in the first turn of its loop, in place of any that
   is there; Tokio by one that calls what it finds there. So Lwt's comes first: what waits for a child of Lwt's installs it
   (lwt_unix.ml, 5.6 to 6.1), and this process is no child of its own. What a signal handler raises meanwhile is in the promise. *)
let hear_of_children () =
  let waited () =
    match Lwt.state (Lwt_unix.waitpid [ WNOHANG ] (Unix.getpid ())) with
    | Fail exn -> raise exn
    | Return _ | Sleep -> ()
  in
  (* Lwt 6 has a lazy value install it, in [Lwt_main.run] as well, and that raises for ever what it raised once. *)
  without_signals (fun () -> try waited () with Unix.Unix_error (ECHILD, _, _) -> ())

(* Rust calls it again when something was raised on the way, and so does the next turn. A signal handler may have called Rust
   meanwhile, and done all of it. *)
let start () =
  if !wake_descriptor < 0 then wake_descriptor := start_executor Callbacks.all;
  if not !started then begin
    if not !registered then begin
      let descriptor : Unix.file_descr = Obj.magic (!wake_descriptor : int) in
      descriptor_event := Lwt_engine.on_readable descriptor Ticks.on_readable;
      registered := true
    end;
    hear_of_children ();
    if !exiting then shutdown_after_exit_hooks ();
    started := true
  end

(* Whether this thread is the one that runs Lwt, as far as is known before the executor has started. *)
let may_start () = this_thread () = Option.value ~default:0 !lwt_thread

let start_if_prepared () = if (not !started) && is_prepared () && may_start () then start ()

let shutdown ?timeout () =
  start_if_prepared ();
  shutdown_started ?timeout ()

let after_fork () =
  (* Stopped once: what its first stop raises it raises again. *)
  let event = !descriptor_event in
  descriptor_event := Lwt_engine.fake_event;
  (try Lwt_engine.stop_event event with exn -> Escaped.keep exn);
  disown ();
  wake_descriptor := -1;
  registered := false;
  started := false

(* Where what was called on this thread should have been called. *)
let or_else what =
  if Domains.is_main () then ", or with Lwt_preemptive.run_in_main"
  else if String.length what > 23 && String.sub what 0 23 = "Rust_async.Domain_pool." then ""
  else ", or in a job of a Rust_async.Domain_pool"

(* Called by Rust for a call that it cannot go on with; see start.rs for the numbers. *)
let start_or_refuse reason what =
  match reason with
  | 0 ->
      let here = this_thread () in
      if may_start () then start ()
      else if !lwt_thread = None then
        Errors.refuse
          "%s was called on thread %d, which is not the main one, before Lwt's loop has begun a turn there, so nobody knows \
           yet that its promise could be resolved: call it in Lwt_main.run, when something that sleeps there has ended \
           (Lwt_unix.sleep 0.), or on the main thread%s"
          what here (or_else what)
      else
        Errors.refuse
          "%s was called on thread %d, which does not run Lwt, so its promise could not be resolved: call it on the \
           thread that runs Lwt%s"
          what here (or_else what)
  | 4 -> if may_start () then start () else prepare_executor Callbacks.all
  | 1 ->
      Errors.refuse
        "%s was called on thread %d, but Lwt runs on another one, and only that may touch its promises: call it \
         there%s"
        what (this_thread ()) (or_else what)
  | 2 ->
      Errors.refuse
        "%s was called in the child of a fork, where Rust's threads do not exist: call Rust functions after \
         Unix.execv, or fork before the first call"
        what
  | _ ->
      Errors.refuse
        "%s was called after Rust_async.shutdown, which happens at exit too: Rust runs nothing any more, so call it \
         earlier"
        what

let configure ?worker_threads ?thread_name ?max_blocking_threads ?thread_stack_size ?thread_keep_alive () =
  if not (configure_tokio worker_threads thread_name max_blocking_threads thread_stack_size thread_keep_alive) then
    Errors.refuse
      "Rust_async.configure was called after Tokio's runtime had started, which cannot be changed: call it before the \
       first Rust function"
