(* OCaml 4 has no domains. *)

let all = []
