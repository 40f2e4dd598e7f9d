(** A promise becomes a future: the callbacks by which Rust hears of it, and how they are taken off. *)

type token
(** Owned by the callbacks on a promise that Rust awaits; see [token.rs]. When nobody can resolve the promise, it is collected
    with them. *)

val subscribe : Obj.t Lwt.t -> token -> int -> unit
(** [subscribe promise token index_and_bits] has Rust told, by [token], how [promise] ends. Bit 0 says that the wait is direct,
    bit 1 that [promise] is cancelled with it; above them is the index by which Rust calls it. *)

val release : int -> bool -> unit
(** [release index cancelled] ends a wait, and cancels its promise or not. *)

val resume_subscriptions : unit -> unit
(** [resume_subscriptions ()] tells Rust of each awaited promise that is settled. For one that it was told of before, it does
    nothing. *)

val break_all : bool -> unit
(** [break_all is_again] ends all waits, as nobody waits for promises any more; [is_again], after a collection: those whose promise was
    garbage already. *)
