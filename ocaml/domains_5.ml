(* OCaml 5 *)

type t = unit Domain.t

let available = true

(* The most that OCAMLRUNPARAM can ask for (5.4, `caml/domain.h`: Max_domains_max); with fewer the runtime refuses. *)
let most = 4096
let is_main () = Domain.is_main_domain ()
let spawn (f : unit -> unit) : t = Domain.spawn (fun () -> try f () with _ -> ())

(* What comes instead of the end of the domain, which raises nothing, is a signal handler's: [Sys.Break], say. *)
let rec join domain =
  match Domain.join domain with
  | () -> None
  | exception exn ->
      ignore (join domain);
      Some exn
