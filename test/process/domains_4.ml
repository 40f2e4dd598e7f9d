(* OCaml 4 has no domains. *)

let cases : Case.t list = []
