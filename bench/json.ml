(* Just enough of it to be read by a machine. *)

type t = Null | Bool of bool | Number of float | Text of string | List of t list | Object of (string * t) list

let option f = function None -> Null | Some value -> f value

let escaped text =
  let output = Buffer.create (String.length text + 2) in
  String.iter
    (function
      | ('"' | '\\') as c -> Printf.bprintf output "\\%c" c
      | c when Char.code c < 32 -> Printf.bprintf output "\\u%04x" (Char.code c)
      | c -> Buffer.add_char output c)
    text;
  Buffer.contents output

let rec write output = function
  | Null -> Buffer.add_string output "null"
  | Bool b -> Printf.bprintf output "%b" b
  | Number n when Float.is_integer n && Float.abs n < 1e15 -> Printf.bprintf output "%.0f" n
  | Number n when Float.is_nan n || Float.is_integer n -> Buffer.add_string output "null"
  | Number n -> Printf.bprintf output "%.6g" n
  | Text text -> Printf.bprintf output "\"%s\"" (escaped text)
  | List items -> separated output '[' ']' write items
  | Object fields ->
      separated output '{' '}'
        (fun output (key, value) -> Printf.bprintf output "\"%s\": %a" (escaped key) write value)
        fields

and separated : 'a. Buffer.t -> char -> char -> (Buffer.t -> 'a -> unit) -> 'a list -> unit =
 fun output opening closing write items ->
  Buffer.add_char output opening;
  List.iteri
    (fun i item ->
      if i > 0 then Buffer.add_string output ", ";
      write output item)
    items;
  Buffer.add_char output closing

(** What is in the outermost object, and each item of a list there, has a line of its own: so two runs can be compared with [diff]. *)
let lines json =
  let output = Buffer.create 65_536 in
  let each opening closing write items =
    Printf.bprintf output "%c\n" opening;
    List.iteri
      (fun i item ->
        if i > 0 then Buffer.add_string output ",\n";
        write item)
      items;
    Printf.bprintf output "\n%c" closing
  in
  let field (key, value) =
    Printf.bprintf output "\"%s\": " (escaped key);
    match value with List (_ :: _ as items) -> each '[' ']' (write output) items | value -> write output value
  in
  (match json with Object fields -> each '{' '}' field fields | json -> write output json);
  Buffer.add_char output '\n';
  Buffer.contents output
