(* The order is that of callbacks.rs. An asynchronous exception (a signal handler's, a finaliser's) may leave any of them at any
   allocation. Rust then calls most of them again, until they return: so what was done by the call that was left is done once,
   or twice without harm. *)

type t = {
  resolved : Obj.t -> Obj.t Lwt.t;
  failed : exn -> Errors.backtrace -> Obj.t Lwt.t;
  pending : int -> bool -> Rust_to_lwt.pending;
  fulfil : Rust_to_lwt.pending -> Obj.t -> unit;
  reject : Rust_to_lwt.pending -> exn -> Errors.backtrace -> unit;
  arm : unit -> unit;
  state : Obj.t Lwt.t -> Obj.t Lwt.state;
  subscribe : Obj.t Lwt.t -> Lwt_to_rust.token -> int -> unit;
  release : int -> bool -> unit;
  cancel : Obj.t Lwt.t -> unit;
  describe : exn -> string * Errors.backtrace;
  async : exn -> unit;
  rust_error : string -> string list -> exn;
  rust_panic : string -> string -> exn;
  broken_promise : unit -> exn;
  misuse : string -> exn;
  predefined : int -> string -> exn;
  canceled : unit -> exn;
  stream : Reader.token -> Obj.t Lwt_stream.t;
  deliver : Reader.t -> unit;
  close_unless_waited : Reader.t -> bool;
  read : Source.t -> int -> Source.t Lwt.t;
  collect : Source.t -> unit;
  break_all : bool -> unit;
  blocking_thread : int -> string;
  bound : unit -> Storage.t;
  under : Storage.t -> int -> unit;
  cell : Obj.t;
  nothing : Storage.t;
  is_shown : bool;
}

let all =
  {
    resolved = Lwt.return;
    failed = Rust_to_lwt.failed;
    pending = Rust_to_lwt.pending;
    fulfil = Rust_to_lwt.fulfil;
    reject = Rust_to_lwt.reject;
    arm = Ticks.arm;
    state = Lwt.state;
    subscribe = Lwt_to_rust.subscribe;
    release = Lwt_to_rust.release;
    cancel = Lwt.cancel;
    describe = Errors.describe;
    async = (fun exn -> !Lwt.async_exception_hook exn);
    rust_error = Errors.rust_error;
    rust_panic = Errors.rust_panic;
    broken_promise = Errors.broken_promise;
    misuse = Errors.misuse;
    predefined = Errors.predefined;
    canceled = (fun () -> Lwt.Canceled);
    stream = Reader.stream;
    deliver = Reader.deliver;
    close_unless_waited = Reader.close_unless_waited;
    read = Source.read;
    collect = Source.collect;
    break_all = Lwt_to_rust.break_all;
    blocking_thread = Blocking_threads.start;
    bound = Storage.current;
    under = Storage.under;
    cell = Storage.cell;
    nothing = Storage.nothing;
    is_shown = Storage.is_shown;
  }
