(** Whether anybody waits for the next item of a [Lwt_stream.from], and what function it has; private to the bridge. *)

val prepare : unit -> unit
(** [prepare ()] sees whether this Lwt can be asked, once. Runs Lwt's code. *)

val by_anybody : _ Lwt_stream.t -> bool
(** [by_anybody stream] is whether a read of [stream], or of a clone of it, waits for an item; [true] as well where this
    cannot be known. It runs none of Lwt's code, and may be called in a finaliser. *)


val promise : _ Lwt.t -> bool
(** [promise p] is whether anything is to happen when [p] is settled; [true] as well where this cannot be known. *)

val function_of : _ Lwt_stream.t -> Obj.t option
(** [function_of stream] is the function that [Lwt_stream.from] was given, for [stream] or for what it is a clone of; [None] for a
    stream that was not made so. It runs none of Lwt's code. *)

val is_known : unit -> bool
(** [is_known ()] is whether this Lwt can be asked at all. As {!prepare}. *)
