(** The body of a request or of a response. *)

type t = string Lwt_stream.t Server.body

val whole : t -> string Lwt.t
(** [whole body] is all of it. *)
