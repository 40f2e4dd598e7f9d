(** Loads Rust libraries, in a program that has OCaml's bytecode runtime. *)

external declarations : string -> string = "rust_async_declare_load"
(** [declarations path] loads the library, for ever, and gives what it says of its functions and types. A path without a slash is
    looked for among the system's.
    @raise Failure where it cannot be loaded, or is no library of the bridge. *)
