(** [rust-async check]: compares [external]s that are written by hand with what Rust has, by their types. *)

type checked = { externals : int;  (** how many were compared *) problems : string list  (** each with its file and line *) }

val externals : Description.library -> Source.t -> checked
(** [externals library source] compares the externals of the files that name a symbol of [library], types and all that they mention
    included. Types are found in these files, and the modules that these are; of others a path has to be the same on both sides.

    - The fields of a record, and the constructors of a variant, have the names that they would have in declarations that are made,
      but for capitals and [_], and the same order.
    - [bytes] may stand for [string], and [char] for Rust's [u8]. Anything may stand for an [OCamlValue], on trust. *)

val run : library:string -> string list -> unit
(** [run ~library files] prints how many externals agree.
    @raise Fail.Refused where one does not, or none is in [files]. *)
