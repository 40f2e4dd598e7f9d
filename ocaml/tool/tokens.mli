(** The words of an OCaml file, without comments and characters. *)

type t =
  | Word of string
  | Quoted of string  (** ['name] *)
  | String of string  (** what is between the quotes, as it is written *)
  | Backtick of string  (** [`Name] *)
  | Symbol of string
  | End  (** of the file *)

val read : string -> (t * int) array
(** [read text] is each with its line; the last is {!End}. *)
