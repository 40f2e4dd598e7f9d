(** A future becomes a promise: what Rust calls for it. *)

type pending = Obj.t Lwt.t * Obj.t Lwt.u
(** A promise that Rust settles. *)

val pending : int -> bool -> pending
(** [pending key cancelable] is a new one, for the task with that key. If it is [cancelable], [Lwt.cancel] cancels the task. *)

val fulfil : pending -> Obj.t -> unit
(** [fulfil pending value] fulfils it, unless it is settled. *)

val reject : pending -> exn -> Errors.backtrace -> unit
(** [reject pending exn backtrace] rejects it, unless it is settled. Its handlers find [backtrace] where
    [Printexc.get_raw_backtrace] looks. *)

val reject_resolver : _ Lwt.u -> exn -> Errors.backtrace -> unit
(** [reject_resolver resolver exn backtrace] is the same for a promise that is pending for certain. *)

val failed : exn -> Errors.backtrace -> _ Lwt.t
(** [failed exn backtrace] is a promise that is rejected already. [Printexc.get_raw_backtrace], called at once, gives [backtrace]. *)
