(* OCaml 5 *)

type t = unit Domain.t

let available = true

(* The runtime has 128, and this one is one of them (5.3, `caml/config.h`: Max_domains_def). *)
let most = 127
let is_main () = Domain.is_main_domain ()
let spawn (f : unit -> unit) : t = Domain.spawn f
let join domain = try Domain.join domain with _ -> ()
