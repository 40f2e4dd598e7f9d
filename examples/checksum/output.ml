(* Lines on stdout, whole ones only. *)

open Lwt.Syntax

(* What a pipe takes whole or not at all (POSIX's PIPE_BUF, on Linux), so that no line ends in the middle if the program
   does. *)
let limit = 4096

let buffer = Buffer.create limit

let rec write_all text from =
  let length = String.length text - from in
  if length = 0 then Lwt.return_unit
  else
    let* written = Lwt_unix.write_string Lwt_unix.stdout text from length in
    write_all text (from + written)

let flush () =
  if Buffer.length buffer = 0 then Lwt.return_unit
  else begin
    let text = Buffer.contents buffer in
    Buffer.clear buffer;
    write_all text 0
  end

let line text =
  let* () = if Buffer.length buffer + String.length text >= limit then flush () else Lwt.return_unit in
  Buffer.add_string buffer text;
  Buffer.add_char buffer '\n';
  Lwt.return_unit

(* [checksum digest path] is the line as coreutils writes it: a name that would break the line is escaped, and then the
   line begins with a backslash. *)
let checksum digest path =
  let escaped = Buffer.create (String.length path) in
  let escape = function
    | '\\' -> Buffer.add_string escaped "\\\\"
    | '\n' -> Buffer.add_string escaped "\\n"
    | '\r' -> Buffer.add_string escaped "\\r"
    | char -> Buffer.add_char escaped char
  in
  String.iter escape path;
  let mark = if Buffer.length escaped > String.length path then "\\" else "" in
  mark ^ digest ^ "  " ^ Buffer.contents escaped

(* [name path] is the path in a message: on one line, and without what a terminal would obey. *)
let name path =
  if path = "" || String.exists (fun char -> char < ' ' || char = '\127') path then Printf.sprintf "%S" path
  else path
