(** OCaml in a program of Rust's, which has [main]: what runs on OCaml's thread once the modules are initialised. *)

val run : unit -> (string * string) option
(** [run ()] runs Lwt's loop until Rust ends it, and then [at_exit]'s hooks. [Some] is the exception that has ended it, and its
    backtrace. *)

val raised : exn -> (string * string) option
(** [raised exn] is what a module has raised while it was initialised, once [at_exit]'s hooks have run. *)

exception Exited
(** What [exit] raises where Lwt runs, once the hooks have run. *)
