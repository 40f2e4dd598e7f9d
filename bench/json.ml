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

let rec write channel = function
  | Null -> output_string channel "null"
  | Bool b -> Printf.fprintf channel "%b" b
  | Number n when Float.is_integer n && Float.abs n < 1e15 -> Printf.fprintf channel "%.0f" n
  | Number n when Float.is_nan n || Float.is_integer n -> output_string channel "null"
  | Number n -> Printf.fprintf channel "%.6g" n
  | Text text -> Printf.fprintf channel "\"%s\"" (escaped text)
  | List items -> separated channel '[' ']' write items
  | Object fields ->
      separated channel '{' '}'
        (fun channel (key, value) -> Printf.fprintf channel "\"%s\": %a" (escaped key) write value)
        fields

and separated : 'a. out_channel -> char -> char -> (out_channel -> 'a -> unit) -> 'a list -> unit =
 fun channel opening closing write items ->
  output_char channel opening;
  List.iteri
    (fun i item ->
      if i > 0 then output_string channel ", ";
      write channel item)
    items;
  output_char channel closing

let write_file path json =
  let channel = open_out path in
  Fun.protect
    ~finally:(fun () -> close_out channel)
    (fun () ->
      write channel json;
      output_char channel '\n')
