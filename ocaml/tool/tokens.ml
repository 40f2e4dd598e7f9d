type t = Word of string | Quoted of string | String of string | Backtick of string | Symbol of string | End

let is_word_char = function 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '_' | '\'' | '\128' .. '\255' -> true | _ -> false
let is_word_start = function 'a' .. 'z' | 'A' .. 'Z' | '_' | '\128' .. '\255' -> true | _ -> false

(* Longest first. *)
let symbols = [ "[@@@"; "[@@"; "[@"; "->"; "[>"; "[<"; ":=" ]

let read text =
  let length = String.length text in
  let line = ref 1 and found = ref [] in
  let char at = if at < length then text.[at] else '\000' in
  let newline at = if char at = '\n' then incr line in
  let add token = found := (token, !line) :: !found in
  let rec word at = if at < length && is_word_char text.[at] then word (at + 1) else at in
  let starts_with prefix at = at + String.length prefix <= length && String.sub text at (String.length prefix) = prefix in
  (* Behind the string that begins at [at], and what is in it, as it is written. *)
  let rec string_end at =
    if at >= length then length
    else
      match text.[at] with
      | '"' -> at
      | '\\' ->
          newline (at + 1);
          string_end (at + 2)
      | _ ->
          newline at;
          string_end (at + 1)
  in
  (* [{id|...|id}], where that begins at [at]. *)
  let quoted_string at =
    let rec id at = match char at with 'a' .. 'z' | '_' -> id (at + 1) | _ -> at in
    let bar = id (at + 1) in
    if char at = '{' && char bar = '|' then (
      let close = "|" ^ String.sub text (at + 1) (bar - at - 1) ^ "}" in
      let rec find at =
        if at >= length then length
        else if starts_with close at then at + String.length close
        else (
          newline at;
          find (at + 1))
      in
      Some (find (bar + 1)))
    else None
  in
  let rec comment depth at =
    if at >= length then length
    else if starts_with "(*" at then comment (depth + 1) (at + 2)
    else if starts_with "*)" at then if depth = 1 then at + 2 else comment (depth - 1) (at + 2)
    else if text.[at] = '"' then comment depth (string_end (at + 1) + 1)
    else if text.[at] = '\'' && char (at + 1) <> '\\' && char (at + 2) = '\'' then (
      newline (at + 1);
      comment depth (at + 3))
    else if starts_with "'\\\"'" at then comment depth (at + 4)
    else
      match quoted_string at with
      | Some behind -> comment depth behind
      | None ->
          newline at;
          comment depth (at + 1)
  in
  let rec go at =
    if at < length then
      match text.[at] with
      | ' ' | '\t' | '\r' -> go (at + 1)
      | '\n' ->
          incr line;
          go (at + 1)
      | '(' when char (at + 1) = '*' && char (at + 2) <> ')' -> go (comment 1 (at + 2))
      | '"' ->
          let stop = string_end (at + 1) in
          add (String (String.sub text (at + 1) (min stop length - at - 1)));
          go (stop + 1)
      | '\'' when char (at + 1) = '\\' ->
          (* A character with an escape. *)
          let rec close at = if at >= length || text.[at] = '\'' then at + 1 else close (at + 1) in
          go (close (at + 3))
      | '\'' when char (at + 2) = '\'' -> go (at + 3)
      | '\'' ->
          let stop = word (at + 1) in
          add (Quoted (String.sub text (at + 1) (stop - at - 1)));
          go (max stop (at + 1))
      | '`' ->
          let stop = word (at + 1) in
          add (Backtick (String.sub text (at + 1) (stop - at - 1)));
          go (max stop (at + 1))
      | c when is_word_start c ->
          let stop = word at in
          add (Word (String.sub text at (stop - at)));
          go stop
      | '0' .. '9' -> go (word at)
      | c -> (
          match quoted_string at with
          | Some behind -> go behind
          | None -> (
              match List.find_opt (fun symbol -> starts_with symbol at) symbols with
              | Some symbol ->
                  add (Symbol symbol);
                  go (at + String.length symbol)
              | None ->
                  add (Symbol (String.make 1 c));
                  go (at + 1)))
  in
  go 0;
  Array.of_list (List.rev ((End, !line) :: !found))
