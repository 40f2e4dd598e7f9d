(** What the modules that rust-async makes do when the program starts. *)

val exception_ : string -> Obj.Extension_constructor.t -> unit
(** [exception_ key constructor] is how Rust finds an exception that it declares; see registered.rs. *)

val check : crate:string -> string -> unit
(** [check ~crate fingerprint].
    @raise Failure where the library that is linked has other declarations of the crate, or none. *)

external close : 'a -> unit = "ocaml_lwt_interop_close"
(** [close t] closes an object, of whatever type; modules of objects have it with theirs. *)

val provide : interface:string -> ?name:string -> 'a -> unit
(** [provide ~interface ~name implementation] is what modules of interfaces have, with their type.

    @raise Invalid_argument when there is one of that name. *)
