(** What is read in a [Cargo.toml]. *)

type t = { path : string;  (** absolute *) name : string;  (** that of the package *) text : string }

val read : string -> t
(** @raise Fail.Refused where it is not there, or has no package with a name. *)

val library_name : string -> string
(** [library_name "my-crate"] is ["my_crate"], what Rust code and files call it. *)

val profiles : t -> string
(** Its sections [[profile.…]], which cargo takes of the crate that it builds, and of no other. *)

val needs : string -> t -> bool
(** [needs crate t] is whether it leaves to others where that crate is: it names it, and says no path. *)

val read_file : string -> string
(** @raise Sys_error where it cannot be read. *)

val lines : string -> string list
(** [lines text], without spaces around them. *)

val starts_with : string -> string -> bool
(** [starts_with prefix line]. *)
