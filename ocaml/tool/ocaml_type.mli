(** OCaml's types, as far as they are compared with Rust's. What is not known is {!Other}, which agrees with nothing. *)

type ty =
  | Var of string
  | Constr of string list * ty list  (** a path and its arguments *)
  | Tuple of ty list
  | Arrow of label * ty * ty
  | Tags of bound * tag list
  | Other of string

and bound = Exactly | At_least  (** [\[> …\]] *) | At_most  (** [\[< …\]] *)
and label = Plain | Labelled of string | Optional of string
and tag = Tag of string * ty option | Inherited of ty

type parts = Unnamed of ty list | Inline of (string * ty) list

type body =
  | Abstract
  | Unseen of string  (** for this reason *)
  | Alias of ty
  | Record of (string * ty) list
  | Variant of (string * parts) list

type type_ = { path : string list;  (** with the modules that it is in *) parameters : string list; body : body; unboxed : bool }

val map_vars : (string -> ty) -> ty -> ty
(** [map_vars f ty] has [f 'a] in the place of each ['a]. *)

val map_constrs : (string list -> ty list -> ty) -> ty -> ty
(** [map_constrs f ty] has [f path arguments] in the place of each path. *)

val number : string -> int -> string
(** [number word n] is another word that is written as [word] is: for a second thing of one name. *)

val name : string list -> string
(** [name path] is as OCaml writes it. *)

val text : ty -> string
(** [text ty] is as OCaml writes it. *)
