(** See [Rust_async.Domain_pool], which this is. *)

type t

val create : domains:int -> t
val detach : t -> ('a -> 'b) -> 'a -> 'b Lwt.t
val await : 'a Lwt.t -> 'a
val shutdown : ?cancel:bool -> t -> unit Lwt.t
