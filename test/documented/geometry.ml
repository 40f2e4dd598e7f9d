(* What the examples take for types that OCaml has already. *)

type point = { x : int; y : int }
type version = { major : int; minor : int }
