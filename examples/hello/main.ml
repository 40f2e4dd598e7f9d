open Lwt.Syntax

external greet : string -> (string -> unit Lwt.t) -> string Lwt.t = "greet"

let main () =
  let* greeting = greet "world" (fun name -> Lwt_io.printlf "greeted %s" name) in
  Lwt_io.printl greeting

let () = Lwt_main.run (main ())
