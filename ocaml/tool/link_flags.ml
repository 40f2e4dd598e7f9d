(* [ld -r] does not look into the system's folders by itself, and ocamlopt has it look into those that it looks into for its own.
   The C compiler knows which these are: [libraries: =/usr/lib/gcc/…:/usr/lib/…]. *)
let folders () =
  let answer = Filename.temp_file "rust_async" ".txt" in
  Fun.protect
    ~finally:(fun () -> Sys.remove answer)
    (fun () ->
      if Sys.command (Filename.quote_command "cc" ~stdout:answer [ "-print-search-dirs" ]) <> 0 then
        Fail.with_f "cc -print-search-dirs has failed: is a C compiler on your PATH?";
      let lines = Manifest.lines (Manifest.read_file answer) in
      let prefix = "libraries: =" in
      let after line = String.sub line (String.length prefix) (String.length line - String.length prefix) in
      List.filter (Manifest.starts_with prefix) lines
      |> List.concat_map (fun line -> String.split_on_char ':' (after line))
      |> List.map Workspace.absolute
      |> List.sort_uniq compare
      |> List.filter Sys.file_exists)

let write path =
  let flags = List.concat_map (fun folder -> [ "-I"; folder ]) (folders ()) in
  (* Rust's programs are position-independent. *)
  let flags = flags @ [ "-runtime-variant"; "_pic" ] in
  Project.write path (Printf.sprintf "(%s)\n" (String.concat " " (List.map (Printf.sprintf "%S") flags)))
