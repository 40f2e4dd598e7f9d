(** [rust-async new]: a small project that builds, runs and tests at once. *)

(** A program has all that it runs with; a library leaves it to programs to link its crate, with those of others. *)
type kind = Program | Library | Host

val make : kind -> string -> unit
(** [make Program "path/my-project"] makes that folder, and in it a crate, an OCaml program or library, and tests, called as the
    folder.
    @raise Fail.Refused where the folder is there already, or its name is none for a crate and a module. *)

val bridge : unit -> string
(** Where the crate ocaml-lwt-interop of this command's version is.
    @raise Fail.Refused where it is neither installed with the command, nor in the clone that this was built in. *)

val write : string -> string -> unit
(** [write path text] makes the folders above it, too. *)
