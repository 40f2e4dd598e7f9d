(** What a Rust library says of its functions and types. Names are those of Rust. *)

type ty =
  | Byte  (** an [int] from 0 to 255 *)
  | Var of int  (** a parameter of the type that is declared *)
  | Named of string * ty list  (** a type that OCaml has *)
  | Declared of string * ty list  (** a type that is declared, by its key *)
  | Tuple of ty list
  | Arrow of ty list * ty
  | Refused of string  (** it has none, for this reason *)

type field = { field : string; field_docs : string; ty : ty }
type parts = Unnamed of ty list | Inline of field list
type constructor = { constructor : string; docs : string; parts : parts }

type argument = {
  argument : string;
  label : string option;  (** it is labelled so, or optional where its type is an [option] and [optional] *)
  optional : bool;
  of_argument : ty;
}

(** A function of an interface. *)
type method_ = {
  method_name : string;
  method_docs : string;
  method_promise : bool;  (** the result comes in a promise *)
  method_arguments : argument list;
  method_result : ty;
}

type definition =
  | Record of field list
  | Variant of constructor list
  | Polymorphic of constructor list
  | Object  (** an abstract type, in a module of its own *)
  | Interface of method_ list  (** a record of functions, in a module of its own *)
  | No_definition of string  (** for this reason *)

type declared = {
  key : string;  (** its path in Rust *)
  type_name : string;
  parameters : int;
  type_docs : string;
  unboxed : bool;
  definition : definition;
}

type func = {
  symbol : string;
  name : string;
  path : string list;  (** its crate and modules *)
  func_docs : string;
  promise : bool;  (** the result comes in a promise *)
  twin : bool;  (** bytecode has a symbol of its own *)
  arguments : argument list;
  result : ty;
}

(** An exception that Rust defines. *)
type exception_ = {
  exception_key : string;  (** its path in Rust *)
  exception_name : string;
  exception_path : string list;  (** its crate and modules *)
  exception_docs : string;
  holds : parts;
}

(** What Rust wants of OCaml. *)
type interface = { interface_path : string list;  (** its crate and modules *) of_interface : ty }

type library = {
  types : declared list;
  elsewhere : (declared * string) list;  (** types that another OCaml module declares, each with that module *)
  functions : func list;
  exceptions : exception_ list;
  interfaces : interface list;
  crates : (string * string) list;  (** each with its fingerprint: another one is that of other declarations *)
}

val module_of : declared -> string list
(** [module_of t] is the crate and modules of an object or an interface, and the module that it is in OCaml. *)

val types_of_parts : parts -> ty list
(** [types_of_parts parts] is in their order. *)

val types_of_definition : definition -> ty list
(** [types_of_definition definition] is those of all its parts. *)

val types_of_method : method_ -> ty list
(** [types_of_method m] is those of its arguments and its result. *)

val declared_keys : ty -> string list
(** [declared_keys ty] is those of the declared types in it. *)

val only : crate:string -> library -> library
(** [only ~crate library] is what is of that crate, with the types that it mentions. *)

val declared_elsewhere : (string * string) list -> library -> library
(** [declared_elsewhere modules library] leaves the types of some crates to the OCaml modules that declare them. *)

exception Unknown of string

val read : string -> library
(** [read text] is what [text], of this version of the bridge, says.
    @raise Unknown where it is of another version. *)
