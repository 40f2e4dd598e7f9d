open Description
open Naming

let rec refusals = function
  | Refused why -> [ why ]
  | Named (_, types) | Declared (_, types) | Tuple types -> List.concat_map refusals types
  | Arrow (arguments, result) -> List.concat_map refusals (arguments @ [ result ])
  | Byte | Var _ -> []

let twice name_of place_of what items =
  let rec pairs = function
    | first :: (second :: _ as rest) when name_of first = name_of second ->
        Printf.sprintf "%s and %s are both %s %s in OCaml" (place_of first) (place_of second) what (name_of first)
        :: pairs rest
    | _ :: rest -> pairs rest
    | [] -> []
  in
  pairs (List.stable_sort (fun a b -> compare (name_of a) (name_of b)) items)

let place f = String.concat "::" (f.path @ [ f.name ])
let shared_symbols { functions; _ } = twice (fun f -> f.symbol) place "the symbol" functions

(* What is one thing to OCaml, and two in Rust: parts of one type, by their names in OCaml. *)
let same_parts key (definition : definition) =
  let same what ocaml of_rust items =
    let shown item = Printf.sprintf "%s of %s" (of_rust item) key in
    List.map
      (fun problem -> problem ^ "; `#[ocaml(name = \"…\")]` gives one another name")
      (twice ocaml shown what items)
  in
  let fields = same "the field" (fun f -> Names.value f.field) (fun f -> f.field) in
  let inline c = match c.parts with Inline all -> fields all | Unnamed _ -> [] in
  match definition with
  | Record all -> fields all
  | Variant all ->
      same "the constructor" (fun c -> Names.constructor c.constructor) (fun c -> c.constructor) all
      @ List.concat_map inline all
  | Polymorphic all -> (
      match same "the tag" (fun c -> c.constructor) (fun c -> c.constructor) all with
      | [] -> same "tags of the number" (fun c -> string_of_int (Names.tag_number c.constructor)) (fun c -> c.constructor) all
      | twice -> twice)
  | Interface all -> same "the function" (fun m -> Names.value m.method_name) (fun m -> m.method_name) all
  | Object | No_definition _ -> []

let problems ~crate ({ types; functions; exceptions; _ } as library) =
  let taken = taken library in
  let ocaml_name f = String.concat "." (path ~crate ~taken f.path @ [ Names.value f.name ]) in
  let ocaml_exception e = String.concat "." (path ~crate ~taken e.exception_path @ [ Names.constructor e.exception_name ]) in
  let of_exception e =
    List.map (Printf.sprintf "%s: %s" e.exception_key) (List.concat_map refusals (types_of_parts e.holds))
  in
  let not_optional (place, arguments) =
    List.filter_map
      (fun a ->
        match a with
        | { optional = true; of_argument = Named ("option", [ _ ]); _ } | { optional = false; _ } -> None
        | _ -> Some (Printf.sprintf "%s: %s is optional, and is no Option in Rust" place a.argument))
      arguments
  in
  let methods t = match t.definition with Interface all -> List.map (fun m -> (t.key ^ "::" ^ m.method_name, m)) all | _ -> [] in
  let methods = List.concat_map methods types in
  let calls = List.map (fun f -> (place f, f.arguments)) functions @ List.map (fun (place, m) -> (place, m.method_arguments)) methods in
  let of_type t =
    let refused =
      match t.definition with
      | No_definition why -> [ why ]
      | definition -> List.concat_map refusals (types_of_definition definition)
    in
    List.map (Printf.sprintf "%s: %s" t.key) refused
  in
  let of_func f = List.map (Printf.sprintf "%s: %s" (place f)) (List.concat_map refusals (types_of_func f)) in
  let foreign (place, name) =
    if Names.is_possible name then None
    else Some (Printf.sprintf "%s: OCaml's names are of ASCII letters, digits and _, a letter or _ first, and %s is not" place name)
  in
  let of_parts key = function Unnamed _ -> [] | Inline fields -> List.map (fun field -> (key, field.field)) fields in
  let inline_fields t =
    match t.definition with
    | Variant all | Polymorphic all -> List.concat_map (fun c -> of_parts t.key c.parts) all
    | Record _ | Object | Interface _ | No_definition _ -> []
  in
  let labels (place, arguments) = List.filter_map (fun a -> Option.map (fun label -> (place, label)) a.label) arguments in
  let of_exception_names e = (e.exception_key, e.exception_name) :: of_parts e.exception_key e.holds in
  let constructors t = match t.definition with Variant all | Polymorphic all -> List.map (fun c -> (t.key, c.constructor)) all | _ -> [] in
  let fields t =
    match t.definition with
    | Record fields -> List.map (fun field -> (t.key, field.field)) fields
    | Variant _ | Polymorphic _ | Object | Interface _ | No_definition _ -> []
  in
  let names =
    List.concat_map (fun f -> List.map (fun name -> (place f, name)) (f.name :: f.path)) functions
    @ List.concat_map labels calls
    @ List.map (fun (place, m) -> (place, m.method_name)) methods
    @ List.concat_map of_exception_names exceptions
    @ List.concat_map (fun t -> ((t.key, t.type_name) :: constructors t) @ fields t @ inline_fields t) types
  in
  List.concat_map of_type types
  @ List.concat_map of_exception exceptions
  @ List.concat_map of_func functions
  @ List.concat_map not_optional calls
  @ List.filter_map foreign names
  @ List.concat_map (fun t -> same_parts t.key t.definition) types
  @ List.concat_map
      (fun e -> match e.holds with Inline all -> same_parts e.exception_key (Record all) | Unnamed _ -> [])
      exceptions
  @ List.map
      (fun problem -> problem ^ "; `#[ocaml(name = \"…\")]` gives one another name")
      (twice (fun t -> type_name library t.type_name) (fun t -> t.key) "the type" types)
  @ twice ocaml_name place "the function" functions
  @ List.map
      (fun problem -> problem ^ ", by their path: give one another name in Rust")
      (twice (fun e -> e.exception_key) (fun e -> e.exception_name) "the exception" exceptions)
  @ twice ocaml_exception (fun e -> e.exception_key) "the exception" exceptions
  @ shared_symbols library
