(* The fuzzer of whole programs; see README.md. *)

let () =
  match List.tl (Array.to_list Sys.argv) with
  | [ "--many"; from; count ] -> Child.many ~from:(int_of_string from) ~count:(int_of_string count)
  | "--kept" :: times :: names -> Child.kept ~times:(int_of_string times) names
  | [ "--file"; name ] -> Child.file name
  | [ "--crash-in-lwt" ] -> Child.crashes_in_lwt ()
  | _ -> Parent.main ()
