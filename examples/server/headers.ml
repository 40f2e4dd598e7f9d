type t = Server.headers

let to_list (Server.Headers headers) =
  let pair line =
    match String.index_opt line ':' with
    | None -> None
    | Some colon -> Some (String.sub line 0 colon, String.sub line (colon + 2) (String.length line - colon - 2))
  in
  List.filter_map pair (String.split_on_char '\n' headers)

let get (Server.Headers headers) name =
  let length = String.length name in
  let rec is_name line i = i = length || (headers.[line + i] = name.[i] && is_name line (i + 1)) in
  let rec find line =
    match String.index_from_opt headers line '\n' with
    | None -> None
    | Some end_ ->
        if end_ - line > length && headers.[line + length] = ':' && is_name line 0 then
          Some (String.sub headers (line + length + 2) (end_ - line - length - 2))
        else find (end_ + 1)
  in
  find 0
