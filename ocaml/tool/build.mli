(** [rust-async build]: the libraries of a crate, and their declarations, where a dune rule wants them. *)

(** What is left where the rule runs: each is with what stands before it. *)
type wanted =
  | Static_library  (** [libhello_stubs.a] *)
  | Libraries  (** [dllhello_stubs.so], for bytecode *)
  | Declarations  (** [hello.ml] and [hello.mli] *)
  | Only_declarations  (** these alone, for an OCaml library that leaves it to programs to link Rust *)

val run :
  profile:string ->
  wanted:wanted ->
  ?host:bool ->
  ?manifest:string ->
  ?module_:string ->
  ?others:string list ->
  ?elsewhere:(string * string) list ->
  string ->
  unit
(** [run ~profile ~wanted "hello"] has cargo build the crate [hello] of the folder that the dune file is in, for
    [(foreign_archives hello_stubs)]. [module_] is another name for the declarations. [others] are the [Cargo.toml]s of crates that are
    linked with it, those of the Rust-backed OCaml libraries that the program uses; they have declarations of their own. [elsewhere] is as in {!Declare.run}.

    [host] is for the OCaml half of a program of Rust's: cargo has a folder of its own, [rust-async-host] in its usual one, and the
    crate's build script sees [RUST_ASYNC_DECLARES], and does nothing. [link_flags.sexp] is made, too.

    dune's profile [release] is cargo's, and every other is cargo's [dev]. [manifest] is the path of [Cargo.toml] from that folder.
    @raise Fail.Refused where cargo fails, or something has no declaration. *)

val link : profile:string -> string -> string list -> unit
(** [link ~profile "rust" manifests] has cargo build the crates at these [Cargo.toml]s together, for
    [(foreign_archives rust_stubs)], and declares nothing.
    @raise Fail.Refused where cargo fails, or two functions have one symbol. *)
