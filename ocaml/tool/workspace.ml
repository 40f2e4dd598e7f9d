(* Where dune builds: the folder that stands for the project's. Actions run in a folder below it, or below a copy of it. *)
let build_context ~inside_dune ~here =
  let below folder =
    let folder = folder ^ "/" in
    let length = String.length folder in
    if here ^ "/" = folder then Some ""
    else if String.length here > length && String.sub here 0 length = folder then
      Some (String.sub here length (String.length here - length))
    else None
  in
  let drop_first path =
    match String.index_opt path '/' with
    | Some slash -> String.sub path (slash + 1) (String.length path - slash - 1)
    | None -> ""
  in
  match below inside_dune with
  | Some inside -> Some inside
  | None ->
      (* [.sandbox/HASH/CONTEXT] *)
      let sandbox = Filename.concat (Filename.dirname inside_dune) ".sandbox" in
      Option.map (fun inside -> drop_first (drop_first inside)) (below sandbox)

let absolute path =
  let path = if Filename.is_relative path then Filename.concat (Sys.getcwd ()) path else path in
  let step done_ part =
    match (part, done_) with
    | ("" | "."), _ -> done_
    | "..", _ :: above -> above
    | "..", [] -> []
    | part, _ -> part :: done_
  in
  "/" ^ String.concat "/" (List.rev (List.fold_left step [] (String.split_on_char '/' path)))

let source path =
  let absolute = absolute path in
  match (Sys.getenv_opt "DUNE_SOURCEROOT", Sys.getenv_opt "INSIDE_DUNE") with
  | Some source, Some inside_dune -> (
      match build_context ~inside_dune ~here:absolute with
      | Some inside -> Filename.concat source inside
      | None -> absolute)
  | _ -> absolute
