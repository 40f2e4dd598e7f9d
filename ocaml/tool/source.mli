(** What files of OCaml declare: their [external]s and types, where each path is that of what it means where it stands. *)

open Ocaml_type

type external_ = {
  file : string;
  line : int;
  name : string;
  ty : ty;
  written : ty;  (** with the paths as they are written *)
  symbols : string list;
  attributes : string list;  (** as [unboxed] *)
}

type t = { types : type_ list; externals : external_ list }

val read : (string * string) list -> t
(** [read files], names and texts, is what they declare. The first module of every path is that of a file. Paths that mean nothing of
    these files stay as they are. A type that cannot be known, since a functor makes it for example, is {!Ocaml_type.Unseen}.
    @raise Fail.Refused where two files are one module. *)
