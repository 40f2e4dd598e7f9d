(** The OCaml half of the bridge between Lwt and Rust's async functions.

    A program declares Rust's functions as [external]s and links this library; it needs a name from here only to match
    an exception or to end the bridge early. Everything runs on the thread that runs Lwt. *)

(** {1 Endings} *)

exception Rust_error of { message : string; causes : string list }
(** A Rust function returned [Err]: the message of its error, and those of the errors that caused it, outermost first. *)

exception Rust_panic of { message : string; location : string }
(** A Rust function panicked: the message, and [file:line:column] in Rust's sources. The executor goes on. *)

exception Broken_promise
(** Nobody can resolve the promise any more: its Rust future or resolver was dropped, or the bridge was shut down. *)

exception Misuse of string
(** The bridge was used where it cannot work: on a thread that does not run Lwt, in the child of a [fork], after
    {!shutdown}. The text says what was done, why it cannot work, and what to do instead. *)

(** {1 The executor}

    It starts by itself, with the first Rust function that is called. *)

val shutdown : ?timeout:float -> unit -> unit
(** [shutdown ()] refuses Rust calls from now on, drops all Rust futures, whose promises are rejected with
    {!Broken_promise}, and waits for Tokio's blocking tasks for at most [timeout] seconds (default: [1.0]), with the
    runtime lock released. It is called at exit, behind all hooks of [at_exit] and [Lwt_main.at_exit]; a second call
    does nothing.

    {b Only} on the thread that runs Lwt.

    @raise Misuse on another thread, once Rust was called. *)

val set_worker_threads : int -> unit
(** [set_worker_threads n] makes Tokio's runtime have [n] worker threads; the default is one for each core, or the value
    of the environment variable [TOKIO_WORKER_THREADS]. Before the first Rust call.

    @raise Misuse when the runtime has started.
    @raise Invalid_argument when [n < 1]. *)

(** {1 Leak checks} *)

type stats = {
  tasks : int;  (** Rust tasks that have not ended. *)
  subscriptions : int;  (** Promises that Rust awaits. *)
  roots : int;  (** OCaml values that Rust's handles keep alive. *)
}

val stats : unit -> stats
(** [stats ()] is how much of the bridge is alive now. Collect first ([Gc.full_major]) to count what is reachable. *)
