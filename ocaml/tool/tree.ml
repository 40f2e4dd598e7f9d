type t = Word of string | String of string | Group of t list

exception Malformed of string

let is_space c = c = ' ' || c = '\n'

let string text from =
  let buffer = Buffer.create 16 in
  let rec read at =
    match text.[at] with
    | '"' -> (String (Buffer.contents buffer), at + 1)
    | '\\' ->
        Buffer.add_char buffer text.[at + 1];
        read (at + 2)
    | c ->
        Buffer.add_char buffer c;
        read (at + 1)
  in
  read from

let word text from =
  let ends c = is_space c || c = '(' || c = ')' || c = '"' in
  let rec till at = if at < String.length text && not (ends text.[at]) then till (at + 1) else at in
  let stop = till from in
  (Word (String.sub text from (stop - from)), stop)

(* What stands from [at] on, up to a closing parenthesis or the end, and where that is. *)
let rec group text read at =
  if at >= String.length text then (List.rev read, at)
  else
    match text.[at] with
    | c when is_space c -> group text read (at + 1)
    | ')' -> (List.rev read, at)
    | '(' ->
        let inside, stop = group text [] (at + 1) in
        if stop >= String.length text then raise (Malformed "a parenthesis is not closed");
        group text (Group inside :: read) (stop + 1)
    | '"' ->
        let string, stop = string text (at + 1) in
        group text (string :: read) stop
    | _ ->
        let word, stop = word text at in
        group text (word :: read) stop

let all text =
  match group text [] 0 with
  | read, stop when stop = String.length text -> read
  | _ -> raise (Malformed "a parenthesis too many")
  | exception Invalid_argument _ -> raise (Malformed "a string does not end")
