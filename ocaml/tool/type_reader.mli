(** Reads types and their declarations. A reader of its own, since the compiler's own parser is another one in each version of
    OCaml. *)

open Ocaml_type

type reader = { tokens : (Tokens.t * int) array; mutable at : int }

exception Unreadable

val peek : reader -> Tokens.t
(** [peek r] is what comes next. *)

val peek_next : reader -> Tokens.t
(** [peek_next r] is what comes behind it. *)

val skip : reader -> unit
(** [skip r] goes one further. *)

val accept : reader -> Tokens.t -> bool
(** [accept r token] goes one further if [token] is next. *)

val expect : reader -> Tokens.t -> unit
(** [expect r token] goes one further.
    @raise Unreadable if [token] is not next. *)

val skip_group : reader -> unit
(** [skip_group r] goes behind the parenthesis that closes the one that is next. *)

val is_capital : string -> bool
(** [is_capital word] is whether it names a module or a constructor. *)

val module_path : reader -> string list
(** [module_path r] is empty where none is next. *)

val path : reader -> string list
(** [path r] is that of a type.
    @raise Unreadable where none is next. *)

val parameters : reader -> string list
(** [parameters r] is those of a declaration.
    @raise Unreadable where they are none. *)

val ty : reader -> ty
(** [ty r] reads a type.
    @raise Unreadable where none is next that is known here. *)

val attributes : reader -> string -> string list
(** [attributes r opening] is the words of the attributes that are next, and begin with [opening]. *)

val types : reader -> bool * type_ list
(** [types r], behind [type], is whether it is [nonrec], and the types, each with its name as its path. *)

val unreadable : string
(** The reason where a declaration cannot be read. *)
