(* OCaml 4: there is one domain. *)

type t = unit

let available = false
let most = 0
let is_main () = true
let spawn (_ : unit -> unit) : t = assert false
let join () : exn option = None
