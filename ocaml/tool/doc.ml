(* What odoc would take for its own. *)
let escaped text =
  let buffer = Buffer.create (String.length text) in
  String.iter
    (fun c ->
      if String.contains "{}[]@" c then Buffer.add_char buffer '\\';
      Buffer.add_char buffer c)
    text;
  Buffer.contents buffer

let code text =
  let escaped = function ('[' | ']') as bracket -> Printf.sprintf "\\%c" bracket | c -> String.make 1 c in
  Printf.sprintf "[%s]" (String.concat "" (List.map escaped (List.of_seq (String.to_seq text))))

let find text from c = String.index_from_opt text from c
let sub text from till = String.sub text from (till - from)

(* The end of [(target)] at [at], and the target. *)
let target text at =
  if at < String.length text && text.[at] = '(' then
    Option.map (fun stop -> (sub text (at + 1) stop, stop + 1)) (find text at ')')
  else None

let is_code text = String.length text > 2 && text.[0] = '`' && text.[String.length text - 1] = '`'

(* A line of prose: [`code`], and links, of which only those to a page are links for odoc. *)
let rec prose text =
  let stop_of_text c = Option.value ~default:(String.length text) (find text 0 c) in
  let at = min (stop_of_text '`') (stop_of_text '[') in
  let rest from = prose (sub text from (String.length text)) in
  if at = String.length text then escaped text
  else
    let before = escaped (sub text 0 at) in
    let closing = if text.[at] = '`' then '`' else ']' in
    match find text (at + 1) closing with
    | None -> before ^ escaped (String.make 1 text.[at]) ^ rest (at + 1)
    | Some stop when closing = '`' -> before ^ code (sub text (at + 1) stop) ^ rest (stop + 1)
    | Some stop -> (
        let label = sub text (at + 1) stop in
        let is_page page = String.length page > 4 && String.sub page 0 4 = "http" in
        match target text (stop + 1) with
        | Some (page, after) when is_page page -> Printf.sprintf "%s{{:%s} %s}%s" before page (prose label) (rest after)
        | Some (_, after) -> before ^ prose label ^ rest after
        | None when is_code label -> before ^ prose label ^ rest (stop + 1)
        | None -> Printf.sprintf "%s\\[%s\\]%s" before (prose label) (rest (stop + 1)))

let without_space line =
  if line <> "" && line.[0] = ' ' then sub line 1 (String.length line) else line

let starts_with prefix line =
  String.length line >= String.length prefix && String.sub line 0 (String.length prefix) = prefix

let heading line =
  let rec hashes at = if at < String.length line && line.[at] = '#' then hashes (at + 1) else at in
  match hashes 0 with
  | 0 -> None
  | count when count < String.length line && line.[count] = ' ' ->
      Some (Printf.sprintf "{b %s}" (prose (sub line (count + 1) (String.length line))))
  | _ -> None

let lines text =
  let line (inside, read) line =
    if starts_with "```" (String.trim line) then (not inside, (if inside then "]}" else "{[") :: read)
    else if inside then (inside, line :: read)
    else (inside, Option.value ~default:(prose line) (heading line) :: read)
  in
  let inside, read =
    List.fold_left line (false, []) (List.map without_space (String.split_on_char '\n' text))
  in
  List.rev (if inside then "]}" :: read else read)

let contains part text =
  let length = String.length part in
  let rec from at = at + length <= String.length text && (String.sub text at length = part || from (at + 1)) in
  from 0

(* OCaml reads comments: strings and other comments in them have to end. *)
let fits_a_comment text =
  let begins_quoted at =
    (* A brace, a word, perhaps with a percent sign and a second word, and a bar: a string begins. *)
    let rec word at =
      at < String.length text
      && match text.[at] with 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '_' | '%' | '.' | ' ' -> word (at + 1) | c -> c = '|'
    in
    text.[at] = '{' && word (at + 1)
  in
  let quotes = List.length (String.split_on_char '"' text) - 1 in
  quotes mod 2 = 0
  && not (List.exists (fun part -> contains part text) [ "(*"; "*)"; "\\\""; "'\"'" ])
  && not (List.exists begins_quoted (List.init (String.length text) Fun.id))

let attribute at text =
  let rec delimiter name = if contains ("|" ^ name ^ "}") text then delimiter (name ^ "x") else name in
  let name = delimiter "doc" in
  Printf.sprintf " [%socaml.doc {%s| %s |%s}]" at name text name

let text ~indent text =
  let line line = if String.trim line = "" then "" else indent ^ line in
  match lines text with [] -> "" | first :: rest -> String.trim (String.concat "\n" (first :: List.map line rest))

type t = { before : string; after : string }

let item ~indent rust =
  let text = text ~indent:(indent ^ "    ") rust in
  if text = "" then { before = ""; after = "" }
  else if fits_a_comment text then { before = Printf.sprintf "%s(** %s *)\n" indent text; after = "" }
  else { before = ""; after = attribute "@@" text }

let part rust =
  let text = text ~indent:"      " rust in
  if text = "" then "" else if fits_a_comment text then Printf.sprintf " (** %s *)" text else attribute "@" text
