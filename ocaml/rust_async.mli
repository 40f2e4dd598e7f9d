(** The OCaml half of the bridge between Lwt and Rust's async functions. In the sources, [doc/guide] is a book about both halves.

    A program links this library, and calls Rust's functions in the module of declarations that [rust-async build] makes of
    them. It needs a name from here only to match an exception, to configure the bridge, to end it early, or for worker domains.

    A program calls Rust's functions on the thread that runs Lwt, or in a job on a worker domain. *)

(** {1 Endings} *)

exception Rust_error of { message : string; causes : string list }
(** A Rust function returned [Err]. [message] is the message of its error. [causes] are the messages of the errors that caused it,
    outermost first. *)

exception Rust_panic of { message : string; location : string }
(** A Rust function panicked. [location] is [file:line:column] in Rust's sources. Everything else goes on. *)

exception Broken_promise
(** Nobody can resolve the promise any more: its Rust future or resolver was dropped, or the bridge was shut down. *)

exception Misuse of string
(** The bridge was used where it cannot work: on a thread that does not run Lwt, in the child of a [fork], or after
    {!shutdown}. Or it was used in a way that it refuses: a value was passed for an exception, say, and is none. The text says what was
    done, why it cannot work, and what to do instead. *)

val register_exception : string -> exn -> unit
(** [register_exception "file_error" (File_error "")] lets Rust raise the exception by that name, with
    [Error::registered("file_error", (message,))]. The arguments of the exception are a sample. Rust must pass as many, with a number
    or a string where the sample has one. Otherwise the error becomes {!Misuse}. ([Callback.register_exception] keeps only the
    constructor, to which Rust could not compare its arguments.)

    On any thread.

    @raise Invalid_argument when there is a zero byte in the name. *)

(** {1 Streams}

    A Rust stream is a [Lwt_stream.t] in OCaml, and Rust reads a [Lwt_stream.t] of OCaml's:

    {[
      external numbers : int -> int Lwt_stream.t = "my_crate__numbers"
      external download : string -> bytes Lwt_stream.t Lwt.t = "my_crate__download"
      external upload : bytes Lwt_stream.t -> int Lwt.t = "my_crate__upload"
    ]}

    A Rust stream:

    - It begins when it is first read. It is read ahead up to its window, which is 16 items, or what Rust says. Then it waits for its
      reader.
    - An error of Rust's ends it with {!Rust_error}, or with the exception that the error was made of. A panic ends it with
      {!Rust_panic}, and {!shutdown} with {!Broken_promise}. The read that gets the exception is the last: reads after it give [None].
    - It is dropped when it has ended, or when the GC has collected it. What waits for an item is kept, with all that it holds.
    - A read that is cancelled loses no item, and leaves the stream as it was. When nobody holds the stream or waits for it, it is
      collected, unless Rust's stream itself keeps something of OCaml's that holds it.
    - [Lwt_stream.map] and its like go on waiting when their own reads are cancelled. So a stream behind them lives until the next
      item comes through.

    An OCaml stream: Rust reads it as other readers do, in batches of what is there. An exception ends it for Rust. When Rust lets
    go of it, the read under way is cancelled. *)

module Stream : sig
  val close : 'a Lwt_stream.t -> unit
  (** [close stream] drops the Rust stream, with what it holds: a connection, a file. All who wait for an item get the end of the
      stream, [None], and so do later reads, also of what Rust had read ahead; but for items that are in Lwt's own queue, such as
      one that was peeked at. [stream] may be a clone, and closes all of them. To close it again does nothing, nor does it where
      the stream has ended.

      It looks through the Rust streams that are alive, the newest first.

      {b Only} on the thread that runs Lwt.

      @raise Invalid_argument for a stream that OCaml has made, [Lwt_stream.map]'s too: close the one behind it.
      @raise Misuse on another thread, and where this Lwt keeps a stream in another way than 5.6 to 6.1. *)

  val with_stream : 'a Lwt_stream.t -> ('a Lwt_stream.t -> 'b Lwt.t) -> 'b Lwt.t
  (** [with_stream (rows pool query) f] is [f] of that stream, which is closed when its promise is settled: for who reads some of
      it, and would otherwise hold a connection until the collector comes by. *)
end

(** {1 The executor}

    It starts by itself, with the first Rust function that is called. *)

val shutdown : ?timeout:float -> unit -> unit
(** [shutdown ()] ends the bridge. From now on calls of Rust functions raise {!Misuse}. All Rust futures are dropped, and their
    promises are rejected with {!Broken_promise}. Rust's threads that wait for a promise get an error.

    Then it waits for Tokio's blocking tasks and for OCaml functions that block, with the runtime lock released. It waits for at most
    [timeout] seconds. The default is [1.0]; [infinity] waits until they have ended; a negative number or [nan] does not wait at
    all. Signals are handled meanwhile. An exception that a signal handler raises ([Sys.Break]) ends the wait, and leaves [shutdown]
    when all promises are rejected.

    It is called at exit, after all hooks of [at_exit] and [Lwt_main.at_exit]. A second call does nothing.

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
(** [configure ()] says what Tokio's runtime is to be like. Call it before the first Rust function. An argument that is not given
    leaves its setting as it was set before, by this function or by Rust's [runtime::configure], or at Tokio's default:

    - [worker_threads]: how many threads run futures, 1 to 65535. Default: the environment variable
      [TOKIO_WORKER_THREADS], or else one for each core. If the variable is no such number, the first Rust call raises
      [Failure].
    - [thread_name]: what Tokio's threads are called, of which Linux shows the first 15 bytes. Default:
      ["tokio-ocaml"].
    - [max_blocking_threads]: how many threads at most run Rust code that blocks, 1 to 65535, and how many run OCaml functions that
      block ([run_blocking_in_ocaml]). Further calls wait for their turn. Default: 512.
    - [thread_stack_size]: the stack of each thread, in bytes, 64 KiB to 1 GiB. Default: 2 MiB. (It is not
      for OCaml's threads.)
    - [thread_keep_alive]: how many seconds a thread for code that blocks stays when it has nothing to do. Default: [10.0].

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
      process. A good number is one less than there are cores, since Lwt needs a core as well. Do not take more: when one domain
      collects its minor heap, all domains stop.

      From then on OCaml refuses [Unix.fork], also when the pool has ended. So [Lwt_process] fails. Start programs before, or with
      [Unix.create_process]. A program that a job starts begins with the signals blocked that your program blocked when it first
      called Rust. In bytecode it begins with all signals blocked.

      {b Only} on the thread that runs Lwt.

      @raise Failure on OCaml 4, or when the runtime refuses another domain.
      @raise Invalid_argument when [n] is not 1 to 4096; there are 128 domains at most unless [OCAMLRUNPARAM] says otherwise.
      @raise Misuse elsewhere, and after {!Rust_async.shutdown}. *)

  val detach : t -> ('a -> 'b) -> 'a -> 'b Lwt.t
  (** [detach pool f x] is a promise for [f x], which runs on a worker domain. An exception of [f]'s rejects the promise, with its
      backtrace. Jobs begin in the order of the calls.

      [f] must not touch what belongs to the thread that runs Lwt: promises, and keys ([Lwt.get]). It may call Rust, see {!await}.
      When Rust calls an OCaml function at home for [f], that function sees the keys that were bound when [detach] was called.

      To cancel the promise has one of three effects. A job that has not begun never begins. In a job that awaits Rust, {!await}
      raises [Lwt.Canceled]. Any other job runs to its end, and its value is dropped.

      A finaliser or a signal handler may raise on a worker domain. In a job, the exception rejects the job. Between two jobs, it is
      printed on standard error. In the bridge's own code, it leaves [Lwt_main.run], where Lwt runs. In any case the domain goes
      on, and so do the other jobs.

      [exit] in a job ends the process without {!Rust_async.shutdown}, so Rust's futures are not dropped.

      {b Only} on the thread that runs Lwt, or in a job of another pool. Jobs of two pools that wait for each other may wait for
      ever. So may a job that waits for a Rust task, if that task calls a function in the job's own pool. (The body of the Rust
      function that the job called is refused such a call.)

      @raise Misuse elsewhere. A pool that was shut down rejects the promise with it. *)

  val await : 'a Lwt.t -> 'a
  (** [await (fetch url)], on a worker domain, is the value of the Rust function [fetch], or raises the exception that its promise is
      rejected with.

      A Rust function that is called on a worker domain gives a promise that is settled. Until then the call itself runs the Rust
      tasks of that domain, and sleeps without holding up the collections of other domains. So a function that is written with Lwt
      works there, if it awaits nothing but Rust. One that pauses, or reads a stream, does not.

      @raise Lwt.Canceled when the job was cancelled meanwhile.
      @raise Misuse for a pending promise: one that is Lwt's. *)

  val shutdown : ?cancel:bool -> t -> unit Lwt.t
  (** [shutdown pool] is resolved when all jobs have ended and the domains are gone. From now on {!detach} is refused. With
      [~cancel:true], jobs that have not begun are rejected with [Lwt.Canceled], and the others are cancelled as by [Lwt.cancel].
      You may call it again, to cancel. {!Rust_async.shutdown} cancels too, and waits for as long as it waits for Tokio.

      Rust may keep handles of the domains: a [Handle], or functions that came from there. Afterwards they give broken promises, or
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
  loans : int;  (** Bigarrays that are lent to Rust, and have elements. *)
}

val stats : unit -> stats
(** [stats ()] is how much of the bridge is alive now. Collect first ([Gc.full_major]) to count what is reachable.

    Tasks and subscriptions are those of the calling thread: the one that runs Lwt, or a worker domain. On any other thread they are
    zero. Roots are those of all threads. They are known where Lwt runs, and are zero in other places. Objects and
    loans are those of the whole process. *)

(**/**)

(** For the modules that rust-async makes. *)
module Declared : sig
  val exception_ : string -> Obj.Extension_constructor.t -> unit
  (** [exception_ key constructor] is how Rust finds an exception that it declares. *)

  val check : crate:string -> string -> unit
  (** [check ~crate fingerprint], when the program starts.
      @raise Failure where the library that is linked has other declarations of the crate, or none. *)

  val provide : interface:string -> ?name:string -> 'a -> unit
  (** [provide ~interface ~name implementation] is what modules of interfaces have, with their type.

      @raise Invalid_argument when there is one of that name. *)
end
