open Ocaml_type
open Tokens

type reader = { tokens : (Tokens.t * int) array; mutable at : int }

exception Unreadable

(* It can be read, and is none that can be compared, for this reason. *)
exception Skipped of string

let peek r = fst r.tokens.(min r.at (Array.length r.tokens - 1))
let peek_next r = fst r.tokens.(min (r.at + 1) (Array.length r.tokens - 1))
let skip r = r.at <- r.at + 1

let accept r token =
  let found = peek r = token in
  if found then skip r;
  found

let expect r token = if not (accept r token) then raise Unreadable
let is_capital word = word <> "" && Char.uppercase_ascii word.[0] = word.[0] && word.[0] <> '_'

let keywords =
  [ "and"; "as"; "constraint"; "end"; "exception"; "external"; "include"; "let"; "module"; "of"; "open"; "struct"; "type"; "val" ]

let rec path r =
  match peek r with
  | Word word when is_capital word && peek_next r = Symbol "." ->
      skip r;
      skip r;
      word :: path r
  | Word word when not (is_capital word || List.mem word keywords) ->
      skip r;
      [ word ]
  | _ -> raise Unreadable

(* Up to the parenthesis that closes what is open. *)
let skip_attribute r =
  let words = ref [] in
  let rec go depth =
    match peek r with
    | End -> ()
    | Symbol ("]" | ")" | "}") ->
        skip r;
        if depth > 1 then go (depth - 1)
    | Symbol ("[" | "[@" | "[@@" | "[@@@" | "[>" | "[<" | "(" | "{") ->
        skip r;
        go (depth + 1)
    | Word word ->
        words := word :: !words;
        skip r;
        go depth
    | _ ->
        skip r;
        go depth
  in
  go 0;
  List.rev !words

let skip_group r = ignore (skip_attribute r)

(* The words of the attributes that stand here: those of an item (two @), or of a part of it (one). *)
let rec attributes r opening =
  if peek r <> Symbol opening then []
  else
    let first = skip_attribute r in
    first @ attributes r opening

let rec module_path r =
  match peek r with
  | Word word when is_capital word ->
      skip r;
      if peek r = Symbol "." then (
        match peek_next r with
        | Word next when is_capital next ->
            skip r;
            word :: module_path r
        | _ -> [ word ])
      else [ word ]
  | _ -> []

let rec ty r =
  let label =
    match (peek r, peek_next r) with
    | Word word, Symbol ":" ->
        skip r;
        skip r;
        Labelled word
    | Symbol "?", Word word ->
        skip r;
        skip r;
        expect r (Symbol ":");
        Optional word
    | _ -> Plain
  in
  let argument = tuple r in
  if accept r (Symbol "->") then Arrow (label, argument, ty r)
  else if label = Plain then argument
  else raise Unreadable

and tuple r =
  let first = applied r in
  let rec rest () = if accept r (Symbol "*") then let next = applied r in next :: rest () else [] in
  match rest () with [] -> first | rest -> Tuple (first :: rest)

and applied r =
  let arguments =
    match peek r with
    | Symbol "(" ->
        skip r;
        let first = ty r in
        let rec rest () = if accept r (Symbol ",") then let next = ty r in next :: rest () else [] in
        let all = first :: rest () in
        expect r (Symbol ")");
        all
    | _ -> [ atom r ]
  in
  let rec constructors arguments =
    match peek r with
    | Word word when not (List.mem word keywords) -> constructors [ Constr (path r, arguments) ]
    | _ -> ( match arguments with [ one ] -> one | _ -> raise Unreadable)
  in
  let read = constructors arguments in
  match peek r with
  | Symbol "[@" ->
      let words = attributes r "[@" in
      let unboxed word = List.mem word words in
      if unboxed "unboxed" || unboxed "untagged" then Other "a number that is no OCaml value ([@unboxed])" else read
  | _ -> read

and atom r =
  match peek r with
  | Quoted name ->
      skip r;
      Var name
  | Word "_" ->
      skip r;
      Var "_"
  | Symbol (("[" | "[>" | "[<") as opening) ->
      skip r;
      let bound = match opening with "[>" -> At_least | "[<" -> At_most | _ -> Exactly in
      let rec tags () =
        match peek r with
        | Symbol "]" ->
            skip r;
            []
        | Symbol "|" ->
            skip r;
            tags ()
        | Backtick name ->
            skip r;
            let held = if accept r (Word "of") then Some (ty r) else None in
            Tag (name, held) :: tags ()
        | _ ->
            let inherited = ty r in
            Inherited inherited :: tags ()
      in
      Tags (bound, tags ())
  | _ -> Constr (path r, [])

let rec fields r =
  match peek r with
  | Symbol "}" ->
      skip r;
      []
  | _ ->
      ignore (accept r (Word "mutable"));
      let name = match peek r with Word name -> name | _ -> raise Unreadable in
      skip r;
      expect r (Symbol ":");
      let of_field = ty r in
      ignore (attributes r "[@");
      ignore (accept r (Symbol ";"));
      ignore (attributes r "[@");
      (name, of_field) :: fields r

(* [A : int -> t], of a type with these parameters, is [A of int] where its result is the type with all parameters as they are. *)
let with_result r ~of_type parameters =
  let held =
    if accept r (Symbol "{") then Some (Inline (fields r))
    else
      match tuple r with
      | parts when peek r = Symbol "->" -> Some (Unnamed (match parts with Tuple parts -> parts | part -> [ part ]))
      | result -> (
          match result with
          | Constr (path, _) when path = [ of_type ] && parameters = [] -> None
          | _ -> raise (Skipped "one of its constructors has a type of its own"))
  in
  match held with
  | None -> Unnamed []
  | Some held ->
      expect r (Symbol "->");
      let names = match applied r with
        | Constr (path, arguments) when path = [ of_type ] && List.length arguments = List.length parameters ->
            List.map (function Var name -> name | _ -> raise (Skipped "one of its constructors has a type of its own")) arguments
        | _ -> raise (Skipped "one of its constructors has a type of its own")
      in
      if List.length (List.sort_uniq compare names) <> List.length names then
        raise (Skipped "one of its constructors has a type of its own");
      let renamed name =
        match List.assoc_opt name (List.combine names parameters) with
        | Some parameter -> Var parameter
        | None -> raise (Skipped "one of its constructors hides a type")
      in
      let rename = map_vars renamed in
      (match held with
      | Unnamed parts -> Unnamed (List.map rename parts)
      | Inline fields -> Inline (List.map (fun (name, ty) -> (name, rename ty)) fields))

let rec constructors r ~of_type parameters =
  match peek r with
  | Symbol "|" ->
      skip r;
      constructors r ~of_type parameters
  | Word name when is_capital name ->
      skip r;
      let held =
        if accept r (Symbol ":") then with_result r ~of_type parameters
        else if not (accept r (Word "of")) then Unnamed []
        else if accept r (Symbol "{") then Inline (fields r)
        else
          (* [of (a * b)] is one part, a tuple. *)
          let rec parts () =
            let part = applied r in
            part :: (if accept r (Symbol "*") then parts () else [])
          in
          Unnamed (parts ())
      in
      ignore (attributes r "[@");
      let one = (name, held) in
      if peek r = Symbol "|" then one :: constructors r ~of_type parameters else [ one ]
  | _ -> raise Unreadable

let parameters r =
  let variance () = while List.mem (peek r) [ Symbol "+"; Symbol "-"; Symbol "!" ] do skip r done in
  let one () =
    variance ();
    match peek r with
    | Quoted name ->
        skip r;
        name
    | Word "_" ->
        let name = Printf.sprintf "_%d" r.at in
        skip r;
        name
    | _ -> raise Unreadable
  in
  match peek r with
  | Symbol "(" ->
      skip r;
      let first = one () in
      let rec rest () = if accept r (Symbol ",") then let next = one () in next :: rest () else [] in
      let all = first :: rest () in
      expect r (Symbol ")");
      all
  | Quoted _ | Word "_" | Symbol ("+" | "-" | "!") -> [ one () ]
  | _ -> []

let body r ~of_type parameters =
  let constructors r = Variant (constructors r ~of_type parameters) in
  if not (accept r (Symbol "=")) then Abstract
  else (
    ignore (accept r (Word "private"));
    match peek r with
    | Symbol "{" ->
        skip r;
        Record (fields r)
    | Symbol "|" -> constructors r
    | Word word when is_capital word && peek_next r <> Symbol "." -> constructors r
    | _ -> (
        let alias = ty r in
        (* [type t = M.t = { … }] *)
        if not (accept r (Symbol "=")) then Alias alias
        else
          match peek r with
          | Symbol "{" ->
              skip r;
              Record (fields r)
          | _ -> constructors r))

(* What ends a declaration. *)
let ends =
  [ "and"; "class"; "end"; "exception"; "external"; "include"; "let"; "module"; "open"; "type"; "val" ]

let rec skip_declaration r =
  match peek r with
  | End -> ()
  | Word word when List.mem word ends -> ()
  | Symbol ("[" | "[@" | "[@@" | "[@@@" | "[>" | "[<" | "(" | "{") ->
      skip_group r;
      skip_declaration r
  | _ ->
      skip r;
      skip_declaration r

let unreadable = "its declaration is none that this command can read"

(* One type, or none where it is an extension of one that is there. *)
let type_ r =
  let skipped ?(parameters = []) name why =
    skip_declaration r;
    Some { path = [ name ]; parameters; body = Unseen why; unboxed = false }
  in
  match
    let parameters = parameters r in
    (parameters, path r)
  with
  | exception Unreadable ->
      skip_declaration r;
      None
  | _, ([] | _ :: _ :: _) ->
      skip_declaration r;
      None
  | parameters, [ name ] -> (
      if peek r = Symbol "+" then (
        skip_declaration r;
        None)
      else
        match body r ~of_type:name parameters with
        | exception Unreadable -> skipped ~parameters name unreadable
        | exception Skipped why -> skipped ~parameters name why
        | body ->
            let unboxed = List.mem "unboxed" (attributes r "[@@") in
            if peek r = Word "constraint" then skipped ~parameters name "it has a constraint"
            else if List.mem (peek r) [ Symbol "."; Word "as"; Symbol "->"; Symbol "=" ] then skipped ~parameters name unreadable
            else Some { path = [ name ]; parameters; body; unboxed })

let types r =
  let nonrec_ = accept r (Word "nonrec") in
  let rec all () =
    let one = type_ r in
    Option.to_list one @ if accept r (Word "and") then all () else []
  in
  (nonrec_, all ())
