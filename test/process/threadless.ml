(* A program without OCaml's threads, and so without Lwt's loop: the Rust half links, and its plain functions work. *)

open Case

external plain_add : int -> int -> int = "process_plain_add"

let cases = [ case "program_without_threads_links" ~out:[ "3" ] (fun () -> say "%d" (plain_add 1 2)) ]
let () = main cases
