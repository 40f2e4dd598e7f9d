(** [rust-async new]: a small project that builds, runs and tests at once. *)

val make : string -> unit
(** [make "path/my-project"] makes that folder, and in it a crate, an OCaml program, and tests, called as the folder.
    @raise Fail.Refused where the folder is there already, or its name is none for a crate and a module. *)
