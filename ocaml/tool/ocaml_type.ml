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
type body = Abstract | Unseen of string | Alias of ty | Record of (string * ty) list | Variant of (string * parts) list
type type_ = { path : string list; parameters : string list; body : body; unboxed : bool }

let rec map_types ~var ~constr ty =
  let same = map_types ~var ~constr in
  match ty with
  | Var name -> var name
  | Constr (path, all) -> constr path (List.map same all)
  | Tuple all -> Tuple (List.map same all)
  | Arrow (label, argument, result) -> Arrow (label, same argument, same result)
  | Tags (bound, tags) ->
      let tag = function Tag (name, held) -> Tag (name, Option.map same held) | Inherited ty -> Inherited (same ty) in
      Tags (bound, List.map tag tags)
  | Other _ -> ty

let map_vars var = map_types ~var ~constr:(fun path all -> Constr (path, all))
let map_constrs constr = map_types ~var:(fun name -> Var name) ~constr

let number word at = word ^ "#" ^ string_of_int at

(* Without the numbers. *)
let name path = String.concat "." (List.map (fun word -> List.hd (String.split_on_char '#' word)) path)

let rec text ty =
  let inside place ty =
    match (ty, place) with
    | Arrow _, _ | Tuple _, `Applied -> "(" ^ text ty ^ ")"
    | _ -> text ty
  in
  match ty with
  | Var name -> "'" ^ name
  | Constr (path, []) -> name path
  | Constr (path, [ one ]) -> inside `Applied one ^ " " ^ name path
  | Constr (path, all) -> Printf.sprintf "(%s) %s" (String.concat ", " (List.map text all)) (name path)
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
