open Description

type file = Implementation | Interface

(* How long a line may be. *)
let width = 100

(* Modules: a tree, in the order of Rust's. *)

type tree = { functions : func list; modules : (string * tree) list }

(* The modules that types of OCaml's are in: what is declared here is called otherwise. *)
let rec heads ty =
  match ty with
  | Named (path, arguments) -> (
      let rest = List.concat_map heads arguments in
      match String.split_on_char '.' path with [] | [ _ ] -> rest | head :: _ -> head :: rest)
  | Declared (_, arguments) | Tuple arguments -> List.concat_map heads arguments
  | Arrow (arguments, result) -> List.concat_map heads (result :: arguments)
  | Var _ | Refused _ -> []

let types_of_parts = function Unnamed types -> types | Inline fields -> List.map (fun f -> f.ty) fields

let types_of_definition = function
  | Record fields -> List.map (fun field -> field.ty) fields
  | Variant constructors -> List.concat_map (fun c -> types_of_parts c.parts) constructors
  | No_definition _ -> []

let types_of_func f = f.result :: List.map snd f.arguments

let taken (types, functions) =
  let all =
    List.concat_map (fun t -> types_of_definition t.definition) types @ List.concat_map types_of_func functions
  in
  List.sort_uniq compare ([ "Lwt"; "Lwt_stream"; "Rust_async"; "Obj" ] @ List.concat_map heads all)

let path ~crate ~taken f =
  let inside = match f.path with first :: rest when first = crate -> rest | path -> path in
  List.map (Names.module_ ~taken) inside

let rec insert tree path func =
  match path with
  | [] -> { tree with functions = tree.functions @ [ func ] }
  | first :: rest ->
      let empty = { functions = []; modules = [] } in
      let inner = Option.value ~default:empty (List.assoc_opt first tree.modules) in
      let inner = insert inner rest func in
      let modules =
        if List.mem_assoc first tree.modules then
          List.map (fun (name, old) -> (name, if name = first then inner else old)) tree.modules
        else tree.modules @ [ (first, inner) ]
      in
      { tree with modules }

(* What cannot be declared. *)

let rec refusals = function
  | Refused why -> [ why ]
  | Named (_, types) | Declared (_, types) | Tuple types -> List.concat_map refusals types
  | Arrow (arguments, result) -> List.concat_map refusals (arguments @ [ result ])
  | Var _ -> []

let twice name_of place_of what items =
  let rec pairs = function
    | first :: (second :: _ as rest) when name_of first = name_of second ->
        Printf.sprintf "%s and %s are both %s %s in OCaml" (place_of first) (place_of second) what (name_of first)
        :: pairs rest
    | _ :: rest -> pairs rest
    | [] -> []
  in
  pairs (List.stable_sort (fun a b -> compare (name_of a) (name_of b)) items)

let problems ~crate ((types, functions) as library) =
  let taken = taken library in
  let place f = String.concat "::" (f.path @ [ f.name ]) in
  let ocaml_name f = String.concat "." (path ~crate ~taken f @ [ Names.value f.name ]) in
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
    if Names.is_ascii name then None
    else Some (Printf.sprintf "%s: OCaml's names are of ASCII letters, digits and _, and %s is not" place name)
  in
  let constructors t = match t.definition with Variant all -> List.map (fun c -> (t.key, c.constructor)) all | _ -> [] in
  let fields t =
    match t.definition with
    | Record fields -> List.map (fun field -> (t.key, field.field)) fields
    | Variant _ | No_definition _ -> []
  in
  let names =
    List.concat_map (fun f -> List.map (fun name -> (place f, name)) (f.name :: f.path)) functions
    @ List.concat_map (fun t -> ((t.key, t.type_name) :: constructors t) @ fields t) types
  in
  List.concat_map of_type types
  @ List.concat_map of_func functions
  @ List.filter_map foreign names
  @ List.map
      (fun problem -> problem ^ "; `#[ocaml(name = \"…\")]` gives one another name")
      (twice (fun t -> Names.type_ t.type_name) (fun t -> t.key) "the type" types)
  @ twice ocaml_name place "the function" functions
  @ twice (fun f -> f.symbol) place "the symbol" functions

(* Types. *)

let var number = if number < 26 then Printf.sprintf "'%c" (Char.chr (97 + number)) else Printf.sprintf "'p%d" number

(* Where a type stands: what needs parentheses there. *)
type place = Anywhere | In_arrow | In_tuple | In_application

let rec ty names place t =
  let parenthesized if_ text = if if_ then "(" ^ text ^ ")" else text in
  let applied name = function
    | [] -> name
    | [ argument ] -> ty names In_application argument ^ " " ^ name
    | arguments -> Printf.sprintf "(%s) %s" (String.concat ", " (List.map (ty names Anywhere) arguments)) name
  in
  match t with
  | Var number -> var number
  | Named (name, arguments) -> applied name arguments
  | Declared (key, arguments) -> applied (List.assoc key names) arguments
  | Tuple parts ->
      let text = String.concat " * " (List.map (ty names In_tuple) parts) in
      parenthesized (place = In_tuple || place = In_application) text
  | Arrow (arguments, result) ->
      let parts = List.map (ty names In_arrow) arguments @ [ ty names Anywhere result ] in
      parenthesized (place <> Anywhere) (String.concat " -> " parts)
  | Refused why -> failwith why

(* Types that need one another stand together, behind those that they need: Tarjan's algorithm, in the order of the keys. *)
let groups types =
  let rec keys = function
    | Declared (key, arguments) -> key :: List.concat_map keys arguments
    | Named (_, types) | Tuple types -> List.concat_map keys types
    | Arrow (arguments, result) -> List.concat_map keys (result :: arguments)
    | Var _ | Refused _ -> []
  in
  let needs t = List.concat_map keys (types_of_definition t.definition) in
  let find key = List.find (fun t -> t.key = key) types in
  let number = Hashtbl.create 16 and low = Hashtbl.create 16 in
  let stack = ref [] and found = ref [] in
  let rec visit t =
    let own = Hashtbl.length number in
    Hashtbl.replace number t.key own;
    Hashtbl.replace low t.key own;
    stack := t.key :: !stack;
    let least n = Hashtbl.replace low t.key (min n (Hashtbl.find low t.key)) in
    List.iter
      (fun key ->
        if not (Hashtbl.mem number key) then (
          visit (find key);
          least (Hashtbl.find low key))
        else if List.mem key !stack then least (Hashtbl.find number key))
      (needs t);
    if Hashtbl.find low t.key = own then (
      let rec pop group = function
        | [] -> group
        | key :: rest ->
            stack := rest;
            if key = t.key then key :: group else pop (key :: group) rest
      in
      found := List.map find (List.sort compare (pop [] !stack)) :: !found)
  in
  List.iter (fun t -> if not (Hashtbl.mem number t.key) then visit t) types;
  List.rev !found

let fields names docs indent fields =
  let field f =
    Printf.sprintf "%s%s : %s;%s\n" indent (Names.value f.field) (ty names Anywhere f.ty) (docs f.field_docs)
  in
  String.concat "" (List.map field fields)

let constructor names docs c =
  let name = Names.constructor c.constructor in
  match c.parts with
  | Unnamed [] -> Printf.sprintf "  | %s%s\n" name (docs c.docs)
  | Unnamed parts ->
      Printf.sprintf "  | %s of %s%s\n" name (String.concat " * " (List.map (ty names In_tuple) parts)) (docs c.docs)
  | Inline inline -> Printf.sprintf "  | %s of {\n%s    }%s\n" name (fields names docs "      " inline) (docs c.docs)

let declared file names keyword t =
  let doc, part =
    match file with
    | Interface -> (Doc.item ~indent:"" t.type_docs, Doc.part)
    | Implementation -> (Doc.item ~indent:"" "", fun _ -> "")
  in
  let parameters =
    match List.init t.parameters var with
    | [] -> ""
    | [ parameter ] -> parameter ^ " "
    | parameters -> Printf.sprintf "(%s) " (String.concat ", " parameters)
  in
  let definition =
    match t.definition with
    | Record all -> Printf.sprintf " {\n%s}" (fields names part "  " all)
    | Variant all -> "\n" ^ String.concat "" (List.map (constructor names part) all)
    | No_definition why -> failwith why
  in
  let unboxed = if t.unboxed then " [@@unboxed]" else "" in
  let text = Printf.sprintf "%s %s%s =%s" keyword parameters (List.assoc t.key names) definition in
  let text = if text.[String.length text - 1] = '\n' then String.sub text 0 (String.length text - 1) else text in
  Printf.sprintf "%s%s%s%s\n" doc.before text unboxed doc.after

let group file names types =
  let keyword at = if at = 0 then "type" else "and" in
  String.concat "\n" (List.mapi (fun at t -> declared file names (keyword at) t) types)

(* Functions. *)

let call f =
  let arguments = match f.arguments with [] -> [ "()" ] | named -> List.map (fun (name, _) -> Names.value name) named in
  Printf.sprintf "`%s`" (String.concat " " (Names.value f.name :: arguments))

(* What is a function itself must not look like one: OCaml takes each arrow of an external for an argument of it. *)
let returned = function Arrow _ as result -> Named ("returned", [ result ]) | result -> result
let returns_function f = (not f.promise) && returned f.result <> f.result

let func file names indent f =
  let doc =
    match file with
    | Interface when String.trim f.func_docs = "" -> Doc.item ~indent (call f)
    | Interface -> Doc.item ~indent (call f ^ "\n\n" ^ f.func_docs)
    | Implementation -> Doc.item ~indent ""
  in
  let arguments = match f.arguments with [] -> [ Named ("unit", []) ] | named -> List.map snd named in
  let result = if f.promise then Named ("Lwt.t", [ f.result ]) else f.result in
  let parts = List.map (ty names In_arrow) arguments @ [ ty names In_arrow (returned result) ] in
  let symbols =
    let quoted = Printf.sprintf "%S" in
    if f.twin then quoted (f.symbol ^ "_bytecode") ^ " " ^ quoted f.symbol else quoted f.symbol
  in
  let name = Names.value f.name in
  let line = Printf.sprintf "%sexternal %s : %s = %s" indent name (String.concat " -> " parts) symbols in
  let text =
    if String.length line <= width then line
    else
      let between = Printf.sprintf " ->\n%s  " indent in
      Printf.sprintf "%sexternal %s :\n%s  %s\n%s  = %s" indent name indent (String.concat between parts) indent symbols
  in
  Printf.sprintf "%s%s%s\n" doc.before text doc.after

let rec modules file names indent tree =
  let inner = indent ^ "  " in
  let opening = match file with Implementation -> "= struct" | Interface -> ": sig" in
  let module_ (name, tree) =
    Printf.sprintf "%smodule %s %s\n%s%send\n" indent name opening (modules file names inner tree) indent
  in
  String.concat "\n" (List.map (func file names indent) tree.functions @ List.map module_ tree.modules)

let file file ~crate ((types, functions) as library) =
  let taken = taken library in
  let names = List.map (fun t -> (t.key, Names.type_ t.type_name)) types in
  let tree =
    List.fold_left
      (fun tree f -> insert tree (path ~crate ~taken f) f)
      { functions = []; modules = [] } functions
  in
  let groups = groups types in
  (* Types of one group may have fields and constructors of one name. *)
  let warning = if List.exists (fun group -> List.length group > 1) groups then [ "[@@@ocaml.warning \"-30\"]\n" ] else [] in
  String.concat "\n"
    (("(* Made from Rust by rust-async-declare. *)\n" :: warning)
    @ (if List.exists returns_function functions then [ "type 'a returned = 'a\n" ] else [])
    @ List.map (group file names) groups
    @ [ modules file names "" tree ])
