(* OCaml 5 *)

type t = unit Domain.t

let available = true

(* The most that OCAMLRUNPARAM can ask for (5.4, `caml/domain.h`: Max_domains_max); with fewer the runtime refuses. *)
let most = 4096
let is_main () = Domain.is_main_domain ()
let spawn (f : unit -> unit) : t = Domain.spawn f
let join domain = try Domain.join domain with _ -> ()
