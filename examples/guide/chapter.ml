(* Runs the parts of a chapter's program, one after the other. *)

let run parts =
  let one (name, body) =
    Printf.printf "-- %s --\n%!" name;
    Lwt_main.run (body ());
    print_newline ()
  in
  List.iter one parts
