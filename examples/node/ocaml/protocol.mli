(** The rules of the chain. *)

open Node

val genesis : Context.t -> unit Lwt.t
(** [genesis context] gives all the money to ["treasury"]. *)

val apply_block : Context.t -> block -> (receipt, protocol_error) result Lwt.t
(** [apply_block context block] applies all of its operations, or says which one is at fault. *)

val account : Context.t -> string -> (int * int) Lwt.t
(** [account context name] is its balance, and the counter of its last operation. *)
