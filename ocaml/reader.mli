(** A Rust stream, as OCaml reads it. *)

type token
(** Owns the Rust stream; see [stream_token.rs]. *)

type t
(** What was read ahead of it, and the read that is open. *)

val stream : token -> Obj.t Lwt_stream.t
(** [stream token] is the stream as OCaml's programs have it. Runs Lwt's code. *)

val close : 'a Lwt_stream.t -> unit
(** See [Rust_async.Stream.close]. *)

val deliver : t -> unit
(** [deliver reader] settles the open read with what Rust has put there. Rust calls it again until it returns. *)

val close_unless_waited : t -> bool
(** [close_unless_waited reader] closes the open read if nobody waits for it, and is whether none is open. Rust calls it again
    until it returns. *)
