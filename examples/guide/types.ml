(* Chapter 2: types and declarations. *)

(* -- a record -- *)
open Links.Addresses

let a_record () =
  (match parse "example.org:8080/news" with
  | Ok { host; port; path; _ } -> Printf.printf "%s, %d, %s\n" host (Option.value port ~default:80) path
  | Error _ -> print_endline "no address");
  Lwt.return_unit

(* -- a variant -- *)
let explain text =
  match parse text with
  | Ok address -> show address
  | Error NoHost -> "there is no host"
  | Error (UnknownScheme scheme) -> scheme ^ " is unknown"
  | Error (BadPort { text; most }) -> Printf.sprintf "%s is no port: 0 to %d" text most

let a_variant () =
  List.iter
    (fun text -> print_endline (explain text))
    [ "https://example.org"; "ftp://example.org"; "example.org:99999"; "/news" ];
  Lwt.return_unit

(* -- a list -- *)
let page = "See http://a.example/1 and https://b.example/2 or mailto:me, and http://c.example ."

let a_list () =
  List.iter (fun address -> print_endline address.Links.host) (find page);
  Printf.printf "%d of them\n" (List.length (find ~at_most:2 page));
  Lwt.return_unit

(* -- a number that does not fit -- *)
let a_number_that_does_not_fit () =
  let address = { Links.scheme = Http; host = "example.org"; port = Some 70_000; path = "/" } in
  (match show address with
  | text -> print_endline text
  | exception Invalid_argument why -> print_endline why);
  Lwt.return_unit

(* -- -- *)
let () =
  Chapter.run
    [
      ("a record", a_record);
      ("a variant", a_variant);
      ("a list", a_list);
      ("a number that does not fit", a_number_that_does_not_fit);
    ]
