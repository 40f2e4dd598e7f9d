(* Prints an OCaml module with the files of a folder: [embed.exe FOLDER]. *)

let rec files folder =
  Sys.readdir folder |> Array.to_list |> List.sort compare
  |> List.concat_map (fun name ->
         let path = Filename.concat folder name in
         if Sys.is_directory path then files path else [ path ])

let read path =
  let channel = open_in_bin path in
  Fun.protect ~finally:(fun () -> close_in channel) (fun () -> really_input_string channel (in_channel_length channel))

let () =
  let folder = Sys.argv.(1) in
  let inside path = String.sub path (String.length folder + 1) (String.length path - String.length folder - 1) in
  print_endline "let files =";
  print_endline "  [";
  List.iter (fun path -> Printf.printf "    (%S, %S);\n" (inside path) (read path)) (files folder);
  print_endline "  ]"
