type t = { path : string; name : string; text : string }

let library_name crate = String.map (function '-' -> '_' | c -> c) crate

let read_file path =
  let channel = open_in_bin path in
  Fun.protect ~finally:(fun () -> close_in channel) (fun () -> really_input_string channel (in_channel_length channel))

let lines text = List.map String.trim (String.split_on_char '\n' text)
let starts_with prefix line = String.length line >= String.length prefix && String.sub line 0 (String.length prefix) = prefix

(* The lines of the sections whose heading is one of these, with the headings. *)
let sections is_wanted text =
  let take (inside, taken) line =
    let inside = if starts_with "[" line then is_wanted line else inside in
    (inside, if inside then line :: taken else taken)
  in
  List.rev (snd (List.fold_left take (false, []) (lines text)))

(* [key = "value"] *)
let string_value key line =
  match String.index_opt line '=' with
  | Some equals when String.trim (String.sub line 0 equals) = key -> (
      match String.split_on_char '"' line with _ :: value :: _ -> Some value | _ -> None)
  | _ -> None

let read path =
  if not (Sys.file_exists path) then Fail.with_f "%s is not there: say with --manifest-path where the crate is" path;
  let text = read_file path in
  match List.find_map (string_value "name") (sections (starts_with "[package]") text) with
  | Some name -> { path; name; text }
  | None -> Fail.with_f "%s has no package with a name" path

let profiles { text; _ } = String.concat "\n" (sections (starts_with "[profile.") text)

let contains part line =
  let n = String.length part in
  let rec at i = i + n <= String.length line && (String.sub line i n = part || at (i + 1)) in
  at 0

let needs crate { text; _ } =
  let heading = Printf.sprintf "dependencies.%s]" crate in
  let key line = List.hd (String.split_on_char '.' (String.trim (List.hd (String.split_on_char '=' line)))) in
  let is_dependencies heading = starts_with "[" heading && contains "dependencies" heading in
  let about = List.filter (fun line -> key line = crate || contains heading line) (sections is_dependencies text) in
  let section = sections (contains heading) text in
  about <> [] && not (List.exists (contains "path") (about @ section))
