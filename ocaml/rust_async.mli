(** The OCaml half of the bridge between Lwt and Rust's async functions.

    A program declares Rust's functions as [external]s and links this library; it needs a name from here only to match
    an exception, to configure the bridge or end it early, or for worker domains. Rust's functions are called on the thread
    that runs Lwt, or in a job on a worker domain. *)

(** {1 Endings} *)

exception Rust_error of { message : string; causes : string list }
(** A Rust function returned [Err]: the message of its error, and those of the errors that caused it, outermost first. *)

exception Rust_panic of { message : string; location : string }
(** A Rust function panicked: the message, and [file:line:column] in Rust's sources. The executor goes on. *)

exception Broken_promise
(** Nobody can resolve the promise any more: its Rust future or resolver was dropped, or the bridge was shut down. *)

exception Misuse of string
(** The bridge was used where it cannot work: on a thread that does not run Lwt, in the child of a [fork], after
    {!shutdown}; or in a way that it refuses, such as with a value for an exception that is none. The text says what was done, why it cannot work, and what to do instead. *)

val register_exception : string -> exn -> unit
(** [register_exception "file_error" (File_error "")] lets Rust raise the exception by that name, with
    [Error::registered("file_error", (message,))]. The arguments are a sample: Rust's must be as many, and a number or a string
    where the sample has one, or Rust gets {!Misuse} instead. ([Callback.register_exception] keeps the name alone, which
    Rust could not compare anything with.)

    On any thread.

    @raise Invalid_argument when there is a zero byte in the name. *)

(** {1 Streams}

    A Rust function that gives a stream is declared with [Lwt_stream.t], one that takes a stream likewise:

    {[
      external lines : string -> string Lwt_stream.t = "lines"
      external fetch : string -> bytes Lwt_stream.t Lwt.t = "fetch"
      external upload : bytes Lwt_stream.t -> int Lwt.t = "upload"
    ]}

    - A Rust stream begins when it is first read, is read ahead up to its window (16 items, or what Rust says), and then
      waits for its reader.
    - An error of Rust's ends it with {!Rust_error} or the exception that it was made of, a panic with {!Rust_panic},
      {!shutdown} with {!Broken_promise}. The read that gets the exception is the last: those behind it give [None].
    - It is dropped when the GC has collected the stream. What waits for an item is kept with all that it holds. A read that is
      cancelled loses no item and leaves the stream as it was; when nobody holds the stream or waits for it, it is collected,
      unless Rust's stream itself keeps something of OCaml's that holds it. [Lwt_stream.map] and its like go on waiting when
      their own reads are cancelled, so that a stream behind them lives until the next item that comes
      through.
    - Rust reads a stream of OCaml's as other readers do, in batches of what is there. An exception ends it for Rust; when
      Rust lets go of it, the read under way is cancelled. *)

module Stream : sig
  val close : 'a Lwt_stream.t -> unit
  (** [close stream] drops the Rust stream, with what it holds: a connection, a file. All who wait for an item get the end of the
      stream, [None], and so do later reads, also of what Rust had read ahead; but for items that are in Lwt's own queue, such as
      one that was peeked at. [stream] may be a clone, and closes all of them. To close it again does nothing, nor does it where
      the stream has ended.

      It looks through the Rust streams that are alive, the newest first.

      {b Only} on the thread that runs Lwt.

      @raise Invalid_argument for a stream that OCaml has made, [Lwt_stream.map]'s too: close the one behind it.
      @raise Misuse on another thread. *)

  val with_stream : 'a Lwt_stream.t -> ('a Lwt_stream.t -> 'b Lwt.t) -> 'b Lwt.t
  (** [with_stream (rows pool query) f] is [f] of that stream, which is closed when its promise is settled: for who reads some of
      it, and would otherwise hold a connection until the collector comes by. *)
end

(** {1 The executor}

    It starts by itself, with the first Rust function that is called. *)

val shutdown : ?timeout:float -> unit -> unit
(** [shutdown ()] refuses Rust calls from now on, drops all Rust futures, whose promises are rejected with
    {!Broken_promise}, tells Rust's threads that wait for a promise that they will hear nothing, and waits for Tokio's blocking
    tasks and OCaml functions that block for at most [timeout] seconds (default: [1.0]; [infinity]: until
    they have ended; negative or [nan]: not at all), with the runtime lock released. Signals are handled meanwhile: what a
    handler raises ([Sys.Break]) ends the wait, and leaves [shutdown] when all promises are rejected. It is called at exit,
    behind all hooks of [at_exit] and [Lwt_main.at_exit]; a second call does nothing.

    {b Only} on the thread that runs Lwt.

    @raise Misuse on another thread, once Rust was called. *)

val configure :
  ?worker_threads:int ->
  ?thread_name:string ->
  ?max_blocking_threads:int ->
  ?thread_stack_size:int ->
  ?thread_keep_alive:float ->
  unit ->
  unit
(** [configure ()] says what Tokio's runtime is to be like, before the first Rust call. What is not given stays as it was
    given before, by this function or by Rust's [runtime::configure], or is Tokio's default:

    - [worker_threads]: how many threads run futures, 1 to 65535. Default: the environment variable
      [TOKIO_WORKER_THREADS], or else one for each core. A variable that is no such number makes the first Rust call raise
      [Failure].
    - [thread_name]: what Tokio's threads are called, of which Linux shows the first 15 bytes. Default:
      ["tokio-ocaml"].
    - [max_blocking_threads]: how many threads at most run what blocks, 1 to 65535, Rust's and as many that run OCaml's
      ([run_blocking_in_ocaml]); further calls wait for their turn. Default: 512.
    - [thread_stack_size]: the stack of each thread, in bytes, 64 KiB to 1 GiB. Default: 2 MiB. (OCaml's threads are not
      concerned.)
    - [thread_keep_alive]: how many seconds a thread that ran what blocks stays when it has nothing to do. Default:
      [10.0].

    On any thread.

    @raise Misuse when the runtime has started, or is the program's own.
    @raise Invalid_argument when a value is out of range, or [thread_name] is no UTF-8 text or has a zero byte. *)

(** {1 Worker domains}

    Domains of OCaml 5 that run OCaml functions in parallel to Lwt, and that call Rust themselves. *)

module Domain_pool : sig
  type t
  (** Some worker domains and the jobs that wait for one of them. In Rust: [DomainPool]. *)

  val create : domains:int -> t
  (** [create ~domains:n] is a pool of [n] worker domains, which are started now. They end with {!shutdown}, and with the
      process. As many domains as there are cores, less the one of Lwt, is a good number: all of them stop for each minor
      collection of one.

      From then on OCaml refuses [Unix.fork], also when the pool has ended, and so [Lwt_process] fails: start programs before, or
      with [Unix.create_process]. Those that a job starts begin with the signals blocked that the program blocked when it first
      called Rust; in bytecode with all of them.

      {b Only} on the thread that runs Lwt.

      @raise Failure on OCaml 4, or when the runtime refuses another domain.
      @raise Invalid_argument when [n] is not 1 to 4096; there are 128 domains at most unless [OCAMLRUNPARAM] says otherwise.
      @raise Misuse elsewhere, and after {!Rust_async.shutdown}. *)

  val detach : t -> ('a -> 'b) -> 'a -> 'b Lwt.t
  (** [detach pool f x] is a promise for [f x], which runs on a worker domain; an exception of [f]'s rejects it, with its
      backtrace. Jobs begin in the order of the calls. [f] must not touch Lwt's promises or what else belongs to the thread
      that runs Lwt ([Lwt.get] too), but may call Rust, see {!await}. OCaml functions at home that it has Rust call see the
      keys that were bound when [detach] was called.

      Cancelling the promise keeps a job from beginning; makes {!await} raise [Lwt.Canceled] in one that awaits Rust; and
      otherwise lets [f x] run to its end, which nobody hears of.

      What a finaliser or a signal handler raises on a worker domain rejects the job that it comes in; between two jobs it is
      printed on standard error; in the bridge's own code it leaves [Lwt_main.run], where Lwt runs. The
      domain goes on in any case, and so do the other jobs.

      [exit] in a job ends the process, but not {!Rust_async.shutdown} before it: what Rust has is not dropped.

      {b Only} on the thread that runs Lwt, or in a job of another pool. (Jobs of two pools that wait for each other may
      wait for ever; and so may jobs that wait for a Rust task that calls a function in their own pool, unless that is the body
      of the Rust function which they called.)

      @raise Misuse elsewhere. A pool that was shut down rejects the promise with it. *)

  val await : 'a Lwt.t -> 'a
  (** [await (fetch url)], on a worker domain, is what the Rust function [fetch] gives, or raises what its promise would be
      rejected with. A Rust function that is called there gives a promise that is settled: until then the call itself lets
      Rust's tasks of that domain run, and sleeps without holding up anybody's collections. So a function that is written with
      Lwt and awaits nothing but Rust works there; one that pauses, or reads a stream, does not.

      @raise Lwt.Canceled when the job was cancelled meanwhile.
      @raise Misuse for a pending promise: one that is Lwt's. *)

  val shutdown : ?cancel:bool -> t -> unit Lwt.t
  (** [shutdown pool] is resolved when all jobs have ended and the domains are gone; {!detach} is refused from now on.
      With [~cancel:true] jobs that have not begun are rejected with [Lwt.Canceled], and the others cancelled as by
      [Lwt.cancel]. It may be called again, to cancel. {!Rust_async.shutdown} cancels too, and waits for as long as it
      waits for Tokio.

      Handles that Rust has of the domains ([Handle], functions that came from there) give broken promises afterwards, or
      lead to a domain of another pool.

      {b Only} on the thread that runs Lwt. In a job it gives a promise that is rejected with {!Misuse}.

      @raise Misuse on other threads, and after {!Rust_async.shutdown}. *)
end

(** {1 Leak checks} *)

type stats = {
  tasks : int;  (** Rust tasks that have not ended. *)
  subscriptions : int;  (** Promises that Rust awaits. *)
  roots : int;  (** OCaml values that Rust's handles keep alive. *)
  objects : int;  (** Rust's objects whose destructors have not run. *)
}

val stats : unit -> stats
(** [stats ()] is how much of the bridge is alive now. Collect first ([Gc.full_major]) to count what is reachable.

    Tasks and subscriptions are those of the thread that asks: of Lwt's, or, in a job, of that worker domain; all zero on any
    other thread. Roots are known where Lwt runs, those of all threads, and are zero elsewhere. Objects are those of the process. *)

(**/**)

(** For the modules that rust-async makes. *)
module Declared : sig
  val exception_ : string -> Obj.Extension_constructor.t -> unit
  (** [exception_ key constructor] is how Rust finds an exception that it declares. *)

  val check : crate:string -> string -> unit
  (** [check ~crate fingerprint], when the program starts.
      @raise Failure where the library that is linked has other declarations of the crate, or none. *)
end
