(** What a file of OCaml declares: its [external]s and types. A reader of its own, since the compiler's own parser is another one
    in each version of OCaml. What it does not know is {!Other}, which agrees with nothing. *)

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
  | Alias of ty
  | Record of (string * ty) list
  | Variant of (string * parts) list

type type_ = { path : string list;  (** with the modules that it is in *) parameters : string list; body : body; unboxed : bool }

type external_ = {
  file : string;
  line : int;
  scope : string list;  (** the modules that it is in *)
  name : string;
  ty : ty;
  symbols : string list;
  attributes : string list;  (** as [unboxed] *)
}

type t = {
  module_ : string;
  types : type_ list;
  externals : external_ list;
  opens : string list list;  (** the modules that are opened anywhere in the file *)
  aliases : (string * string list) list;  (** [module A = B.C], anywhere in the file *)
}

val read : file:string -> string -> t
(** [read ~file text] is what [text] declares. The first module of every path is that of [file]. *)

val text : ty -> string
(** [text ty] is as OCaml writes it. *)
