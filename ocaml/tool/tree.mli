(** The text that a Rust library gives: words, strings and groups of them in parentheses. *)

type t = Word of string | String of string | Group of t list

exception Malformed of string

val all : string -> t list
(** [all text] is what stands in [text].
    @raise Malformed where it does not end, or has a parenthesis too many. *)
