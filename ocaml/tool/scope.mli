(** What names mean at a place in a file. *)

open Ocaml_type

type module_ =
  | Known of contents
  | Foreign of string list  (** it is in none of the files *)
  | Unseen of string list * string  (** its path, and why nobody knows what it has *)

and contents

val empty : contents
(** Nothing is known. *)

val known : contents
(** What OCaml and Lwt have themselves. *)

val known_types : type_ list
(** Those of {!known} that stand for others. *)

val with_type : string -> string list -> contents -> contents
(** [with_type name path here] has a type, whose whole path this is. *)

val with_module : string -> module_ Lazy.t -> contents -> contents
(** [with_module name module_ here] has a module. *)

val with_signature : string -> module_ -> contents -> contents
(** [with_signature name signature here] has a module type. *)

val opened : module_ -> contents -> contents
(** [opened module_ here] has what the module has as well. *)

val included : module_ -> contents -> contents
(** [included module_ here] is {!opened}, for the contents of a module that includes another. *)

val module_ : contents -> string list -> module_
(** [module_ here path] is what [path] means. *)

val signature : contents -> string list -> module_
(** [signature here path] is what [path] means as a module type. *)

val type_ : contents -> string list -> string list * string option
(** [type_ here path] is the whole path of what [path] means, and why it cannot be known more of it. *)
