(** The headers of a request. *)

type t = Server.headers

val get : t -> string -> string option
(** [get headers name] is the value of the first header of that name, which is in lower case. *)

val to_list : t -> (string * string) list
(** [to_list headers] is names, in lower case, and values, in the order in which they came. *)
