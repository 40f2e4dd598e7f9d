(** An OCaml stream, as Rust reads it. *)

type t
(** The stream, the read that was begun, and what has come. Rust makes it. *)

val read : t -> int -> t Lwt.t
(** [read source window] begins to read, [window] items at most. It is resolved with [source], which Rust does not keep
    meanwhile, when there is something to {!collect}. *)

val collect : t -> unit
(** [collect source] puts what is there where Rust takes it. Rust calls it again until it returns. *)
