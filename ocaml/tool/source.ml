type ty =
  | Var of string
  | Constr of string list * ty list
  | Tuple of ty list
  | Arrow of label * ty * ty
  | Tags of bound * tag list
  | Other of string

and bound = Exactly | At_least | At_most
and label = Plain | Labelled of string | Optional of string
and tag = Tag of string * ty option | Inherited of ty

type parts = Unnamed of ty list | Inline of (string * ty) list
type body = Abstract | Alias of ty | Record of (string * ty) list | Variant of (string * parts) list
type type_ = { path : string list; parameters : string list; body : body; unboxed : bool }

type external_ = {
  file : string;
  line : int;
  scope : string list;
  name : string;
  ty : ty;
  symbols : string list;
  attributes : string list;
}

type t = {
  module_ : string;
  types : type_ list;
  externals : external_ list;
  opens : string list list;
  aliases : (string * string list) list;
}

(* Types. *)

open Tokens

type reader = { tokens : (Tokens.t * int) array; mutable at : int }

exception Unreadable

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

let rec constructors r =
  match peek r with
  | Symbol "|" ->
      skip r;
      constructors r
  | Word name when is_capital name ->
      skip r;
      let held =
        if not (accept r (Word "of")) then Unnamed []
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
      if peek r = Symbol "|" then one :: constructors r else [ one ]
  | _ -> raise Unreadable

let parameters r =
  let variance () = while List.mem (peek r) [ Symbol "+"; Symbol "-"; Symbol "!" ] do skip r done in
  let one () =
    variance ();
    match peek r with
    | Quoted name ->
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
  | Quoted _ | Symbol ("+" | "-" | "!") -> [ one () ]
  | _ -> []

let body r =
  if not (accept r (Symbol "=")) then Abstract
  else (
    ignore (accept r (Word "private"));
    match peek r with
    | Symbol "{" ->
        skip r;
        Record (fields r)
    | Symbol "|" -> Variant (constructors r)
    | Word word when is_capital word && peek_next r <> Symbol "." -> Variant (constructors r)
    | _ -> (
        let alias = ty r in
        (* [type t = M.t = { … }] *)
        if not (accept r (Symbol "=")) then Alias alias
        else
          match peek r with
          | Symbol "{" ->
              skip r;
              Record (fields r)
          | _ -> Variant (constructors r)))

let type_ r scope =
  ignore (accept r (Word "nonrec"));
  let parameters = parameters r in
  let name = match peek r with Word name when not (is_capital name) -> name | _ -> raise Unreadable in
  skip r;
  let body = body r in
  let unboxed = List.mem "unboxed" (attributes r "[@@") in
  { path = scope @ [ name ]; parameters; body; unboxed }

let external_ r ~file ~line scope =
  let name = match peek r with Word name -> name | _ -> raise Unreadable in
  skip r;
  expect r (Symbol ":");
  let of_external = ty r in
  expect r (Symbol "=");
  let rec symbols () =
    match peek r with
    | String symbol ->
        skip r;
        symbol :: symbols ()
    | _ -> []
  in
  let symbols = symbols () in
  { file; line; scope; name; ty = of_external; symbols; attributes = attributes r "[@@" }

(* The module of a file. *)
let module_ file = String.capitalize_ascii (Filename.remove_extension (Filename.basename file))

let read ~file text =
  let r = { tokens = Tokens.read text; at = 0 } in
  let types = ref [] and externals = ref [] and opens = ref [] and aliases = ref [] in
  (* The modules that are open, and other things that end with [end]. *)
  let anonymous = ref 0 in
  (* What has no name is seen inside of it only. *)
  let nobody () =
    incr anonymous;
    string_of_int !anonymous
  in
  let rec items scopes =
    let scope = List.rev scopes in
    let line = snd r.tokens.(min r.at (Array.length r.tokens - 1)) in
    match peek r with
    | End -> ()
    | Word "module" -> (
        skip r;
        match (peek r, peek_next r) with
        | Word name, Symbol ("=" | ":") when is_capital name ->
            skip r;
            skip r;
            if accept r (Word "struct") || accept r (Word "sig") then items (name :: scopes)
            else (
              (match module_path r with [] -> () | path -> aliases := (name, path) :: !aliases);
              items scopes)
        | _ -> items scopes)
    | Word ("open" | "include") ->
        skip r;
        ignore (accept r (Symbol "!"));
        (match module_path r with [] -> () | path -> opens := path :: !opens);
        items scopes
    | Word ("struct" | "sig" | "begin" | "object") ->
        skip r;
        items (nobody () :: scopes)
    | Word "end" ->
        skip r;
        items (match scopes with [] | [ _ ] -> scopes | _ :: outer -> outer)
    | Symbol "(" when peek_next r = Word "type" ->
        skip r;
        skip r;
        items scopes
    | Word "type" ->
        skip r;
        let rec all () =
          types := type_ r scope :: !types;
          if accept r (Word "and") then all ()
        in
        (try all () with Unreadable -> ());
        items scopes
    | Word "external" ->
        skip r;
        let start = r.at in
        (try externals := external_ r ~file ~line scope :: !externals
         with Unreadable ->
           r.at <- start;
           let name = match peek r with Word name -> name | _ -> "" in
           let ty = Other "its declaration is none that this command can read" in
           externals := { file; line; scope; name; ty; symbols = []; attributes = [] } :: !externals);
        items scopes
    | _ ->
        skip r;
        items scopes
  in
  items [ module_ file ];
  (* Two of one name: nobody here knows which is meant where. *)
  let twice t = List.length (List.filter (fun other -> other.path = t.path) !types) > 1 in
  let types = ref (List.map (fun t -> if twice t then { t with body = Abstract } else t) !types) in
  {
    module_ = module_ file;
    types = List.rev !types;
    externals = List.rev !externals;
    opens = !opens;
    aliases = !aliases;
  }

let rec text ty =
  let inside place ty =
    match (ty, place) with
    | Arrow _, _ | Tuple _, `Applied -> "(" ^ text ty ^ ")"
    | _ -> text ty
  in
  match ty with
  | Var name -> "'" ^ name
  | Constr (path, []) -> String.concat "." path
  | Constr (path, [ one ]) -> inside `Applied one ^ " " ^ String.concat "." path
  | Constr (path, all) -> Printf.sprintf "(%s) %s" (String.concat ", " (List.map text all)) (String.concat "." path)
  | Tuple parts -> String.concat " * " (List.map (inside `Applied) parts)
  | Arrow (label, argument, result) ->
      let label = match label with Plain -> "" | Labelled name -> name ^ ":" | Optional name -> "?" ^ name ^ ":" in
      Printf.sprintf "%s%s -> %s" label (inside `Arrow argument) (text result)
  | Tags (bound, tags) ->
      let opening = match bound with Exactly -> "[" | At_least -> "[>" | At_most -> "[<" in
      let tag = function
        | Tag (name, None) -> "`" ^ name
        | Tag (name, Some held) -> Printf.sprintf "`%s of %s" name (text held)
        | Inherited ty -> text ty
      in
      Printf.sprintf "%s %s ]" opening (String.concat " | " (List.map tag tags))
  | Other what -> what
