open Source
module D = Description

type checked = { externals : int; problems : string list }

(* What is not alike: OCaml's and Rust's. *)
exception Different of string * string

let different ocaml rust = raise (Different (ocaml, rust))

(* What the files have, and how one calls what another has. *)
type files = {
  all : type_ list;
  by_module : (string * Source.t) list;
  objects : (string list, string) Hashtbl.t;  (* which abstract type stands for which object *)
}

let file_of files scope = match scope with [] -> None | module_ :: _ -> List.assoc_opt module_ files.by_module

(* The path without the names that the file of [scope] has given to modules. *)
let unaliased files scope path =
  (* An alias may have the name of what it stands for. *)
  let rec go left path =
    match (path, file_of files scope) with
    | first :: (_ :: _ as rest), Some file when left > 0 -> (
        match List.assoc_opt first file.aliases with Some aliased -> go (left - 1) (aliased @ rest) | None -> path)
    | _ -> path
  in
  go 8 path

(* [find files scope path] is what [path] means in [scope]. What a module that the file opens has as well is nobody's: it depends on
   where the file opens it. *)
let find files scope path =
  let path = unaliased files scope path in
  let named path = List.find_opt (fun t -> t.path = path) files.all in
  let rec from path = function
    | [] -> named path
    | _ :: outer as scope -> (
        match named (List.rev_append scope path) with Some found -> Some found | None -> from path outer)
  in
  let inwards = List.rev scope in
  let opened =
    match file_of files scope with
    | None -> []
    | Some file -> List.filter_map (fun opened -> from (unaliased files scope (opened @ path)) inwards) file.opens
  in
  match (from path inwards, List.sort_uniq compare opened) with
  | found, [] -> found
  | None, [ found ] -> Some found
  | Some found, [ other ] when found = other -> Some found
  | _, other :: _ -> Some { other with body = Abstract; path = other.path @ [ "or another" ] }

(* Parameters become arguments. *)
let rec with_arguments parameters arguments ty =
  let same = with_arguments parameters arguments in
  match ty with
  | Var name -> (
      match List.find_opt (fun (parameter, _) -> parameter = name) (List.combine parameters arguments) with
      | Some (_, argument) -> argument
      | None -> ty)
  | Constr (path, all) -> Constr (path, List.map same all)
  | Tuple all -> Tuple (List.map same all)
  | Arrow (label, argument, result) -> Arrow (label, same argument, same result)
  | Tags (bound, tags) ->
      let tag = function Tag (name, held) -> Tag (name, Option.map same held) | Inherited ty -> Inherited (same ty) in
      Tags (bound, List.map tag tags)
  | Other _ -> ty

let rec with_vars arguments ty : D.ty =
  let same = with_vars arguments in
  match (ty : D.ty) with
  | Var number -> List.nth arguments number
  | Named (name, all) -> Named (name, List.map same all)
  | Declared (key, all) -> Declared (key, List.map same all)
  | Tuple all -> Tuple (List.map same all)
  | Arrow (all, result) -> Arrow (List.map same all, same result)
  | Byte | Refused _ -> ty

(* Rust's type, as OCaml writes it. *)
let rust_text library ty =
  let rec source (ty : D.ty) =
    match ty with
    | Var number -> Var (string_of_int number)
    | Byte -> Constr ([ "int" ], [])
    | Named (name, all) -> Constr (String.split_on_char '.' name, List.map source all)
    | Declared (key, all) ->
        let name = match List.find_opt (fun t -> t.D.key = key) library.D.types with Some t -> t.type_name | None -> key in
        Constr ([ Names.type_ name ], List.map source all)
    | Tuple all -> Tuple (List.map source all)
    | Arrow (all, result) -> List.fold_right (fun a r -> Arrow (Plain, source a, r)) all (source result)
    | Refused why -> Other why
  in
  text (source ty)

(* Which of OCaml's types may stand for one that Rust names. *)
let is_named path name =
  let path = match path with "Stdlib" :: path -> path | path -> path in
  path = String.split_on_char '.' name || (name = "string" && path = [ "bytes" ])

(* To be given to others, for whatever type they have to give. *)
type otherwise = { fail : 'a. unit -> 'a }

(* Which way a value goes: what goes to OCaml may be one of more tags there, what comes from there one of fewer. Inside of a type that
   is declared it is neither. *)
type way = To_ocaml | To_rust | Neither

let turned = function To_ocaml -> To_rust | To_rust -> To_ocaml | Neither -> Neither
let fits way bound = match (way, bound) with _, Exactly | To_ocaml, At_least | To_rust, At_most -> true | _ -> false

let compare_types files library way scope ocaml rust =
  (* Pairs of declared types that are being compared, or were: types may be recursive. *)
  let seen = Hashtbl.create 8 in
  (* Types that stand for themselves have no end. *)
  let steps = ref 0 in
  let rec go way scope ocaml (rust : D.ty) =
    incr steps;
    let fail () = different (text ocaml) (rust_text library rust) in
    let otherwise = { fail } in
    if !steps > 10_000 then fail ();
    let both way scope ocaml rust = if List.length ocaml = List.length rust then List.iter2 (go way scope) ocaml rust else fail () in
    match (ocaml, rust) with
    | _, Named ("Obj.t", []) -> ()
    | Constr ([ "char" ], []), Byte | Constr ([ "int" ], []), Byte -> ()
    | Constr (path, arguments), _ -> (
        match (find files scope path, rust) with
        | Some found, Named (name, rust_arguments) when found.path = String.split_on_char '.' name ->
            both Neither scope arguments rust_arguments
        | Some { parameters; body = Alias alias; path; _ }, _ when List.length parameters = List.length arguments ->
            (* The alias is read where it stands. Its arguments were read here, and mean the same there or are not found. *)
            let inside = List.rev (List.tl (List.rev path)) in
            go_alias way inside scope (with_arguments parameters arguments alias) rust
        | Some found, Declared (key, rust_arguments) when List.length found.parameters = List.length arguments ->
            let pair = (found.path, key, List.map text arguments, List.map (rust_text library) rust_arguments) in
            if not (Hashtbl.mem seen pair) then (
              Hashtbl.add seen pair ();
              declared scope found arguments key rust_arguments)
        | (None | Some { body = Abstract; _ }), Declared (key, rust_arguments) -> (
            (* An unboxed type is what it holds. *)
            match definition key with
            | { D.unboxed = true; definition = D.Record [ { D.ty; _ } ]; _ }
            | { D.unboxed = true; definition = D.Variant [ { D.parts = D.Unnamed [ ty ]; _ } ]; _ } ->
                go Neither scope ocaml (with_vars rust_arguments ty)
            | _ -> fail ())
        | None, Named (name, rust_arguments) when is_named (unaliased files scope path) name ->
            both (if Print.is_plain_container name then way else Neither) scope arguments rust_arguments
        | _ -> fail ())
    | Tuple parts, Tuple rust_parts -> both way scope parts rust_parts
    | Tuple parts, Declared (key, rust_arguments) -> (
        (* A struct without names is a tuple. *)
        match definition key with
        | { D.definition = D.Variant [ { D.parts = D.Unnamed rust_parts; _ } ]; unboxed = false; _ } ->
            both Neither scope parts (List.map (with_vars rust_arguments) rust_parts)
        | _ -> fail ())
    | Arrow _, Arrow (rust_arguments, rust_result) -> arrow way scope ocaml rust_arguments rust_result otherwise
    | Tags (bound, tags), Declared (key, rust_arguments) -> (
        match definition key with
        | { D.definition = D.Polymorphic rust_tags; _ } when fits way bound -> polymorphic scope tags rust_arguments rust_tags otherwise
        | _ -> fail ())
    | (Var _ | Tuple _ | Arrow _ | Tags _ | Other _), _ -> fail ()
  and go_alias way inside scope ocaml rust =
    (* What a module of its own declares goes before what stands around the external. *)
    go way (if inside = [] then scope else inside) ocaml rust
  and arrow way scope ocaml rust_arguments rust_result otherwise =
    match (ocaml, rust_arguments) with
    | _, [] -> go way scope ocaml rust_result
    | Arrow (Plain, argument, result), first :: rest ->
        go (turned way) scope argument first;
        arrow way scope result rest rust_result otherwise
    | _ -> otherwise.fail ()
  and definition key : D.declared =
    match List.find_opt (fun t -> t.D.key = key) library.D.types with
    | Some t -> t
    | None -> failwith ("Rust has not described " ^ key)
  and polymorphic scope tags rust_arguments rust_tags { fail } =
    let rec flat = function
      | Tag (name, held) -> [ (name, held) ]
      | Inherited (Constr (path, [])) -> (
          match find files scope path with
          | Some { body = Alias (Tags (Exactly, tags)); _ } -> List.concat_map flat tags
          | _ -> fail ())
      | Inherited _ -> fail ()
    in
    let tags = List.sort compare (List.concat_map flat tags) in
    let rust_tags = List.sort (fun a b -> compare a.D.constructor b.D.constructor) rust_tags in
    if List.map fst tags <> List.map (fun c -> c.D.constructor) rust_tags then fail ();
    List.iter2
      (fun (_, held) c ->
        match (held, c.D.parts) with
        | None, D.Unnamed [] -> ()
        | Some ocaml, D.Unnamed [ part ] -> go Neither scope ocaml (with_vars rust_arguments part)
        | Some ocaml, D.Unnamed (_ :: _ as parts) -> go Neither scope ocaml (Tuple (List.map (with_vars rust_arguments) parts))
        | _ -> fail ())
      tags rust_tags
  and declared scope found arguments key rust_arguments =
    let rust = definition key in
    let name = String.concat "." found.path in
    let inside = List.rev (List.tl (List.rev found.path)) in
    let instance = with_arguments found.parameters arguments and rust_instance = with_vars rust_arguments in
    let part what ocaml rust =
      try go_alias Neither inside scope (instance ocaml) (rust_instance rust)
      with Different (ocaml, rust) ->
        different (Printf.sprintf "%s of %s : %s" what name ocaml) (Printf.sprintf "%s of %s : %s" what key rust)
    in
    (* [Blocking_pool] may be called [BlockingPool] in Rust. *)
    let plain name = String.concat "" (String.split_on_char '_' (String.lowercase_ascii name)) in
    let names what of_ocaml of_rust =
      if List.map plain of_ocaml <> List.map plain of_rust then
        let list names = String.concat ", " names in
        different (Printf.sprintf "%s with the %s %s" name what (list of_ocaml)) (Printf.sprintf "%s with %s" key (list of_rust))
    in
    let all_fields fields rust_fields =
      names "fields" (List.map fst fields) (List.map (fun f -> Names.value f.D.field) rust_fields);
      List.iter2 (fun (field, ocaml) f -> part ("field " ^ field) ocaml f.D.ty) fields rust_fields
    in
    if found.unboxed <> rust.unboxed then
      different (name ^ if found.unboxed then ", unboxed" else "") (key ^ if rust.unboxed then ", unboxed" else "");
    match (found.body, rust.definition) with
    | Abstract, D.Object -> (
        match Hashtbl.find_opt files.objects found.path with
        | Some other when other <> key -> different (name ^ ", which stands for " ^ other) key
        | _ -> Hashtbl.replace files.objects found.path key)
    | Record fields, D.Record rust_fields -> all_fields fields rust_fields
    | Variant constructors, D.Variant rust_constructors ->
        let rust_names = List.map (fun c -> Names.constructor c.D.constructor) rust_constructors in
        names "constructors" (List.map fst constructors) rust_names;
        List.iter2
          (fun (constructor, held) c ->
            match (held, c.D.parts) with
            | Inline fields, D.Inline rust_fields -> all_fields fields rust_fields
            | Unnamed parts, D.Unnamed rust_parts when List.length parts = List.length rust_parts ->
                List.iter2 (part ("constructor " ^ constructor)) parts rust_parts
            | _ ->
                let what = Printf.sprintf "constructor %s of " constructor in
                different (what ^ name) (what ^ key ^ ", which holds something else"))
          constructors rust_constructors
    | _ -> different (name ^ ", another kind of type") key
  in
  go way scope ocaml rust

let compare_labels label (argument : D.argument) =
  let show = function Plain -> "no label" | Labelled name -> "~" ^ name | Optional name -> "?" ^ name in
  let rust =
    match argument.label with
    | None -> Plain
    | Some name -> if argument.optional then Optional (Names.value name) else Labelled (Names.value name)
  in
  (* A label that only OCaml has changes nothing of what is passed; that an argument may be left out does. *)
  match (label, rust, argument.of_argument) with
  | Optional _, _, Named ("option", [ given ]) | Labelled _, Optional _, Named ("option", [ given ]) ->
      if label = rust || (match label with Optional _ -> true | _ -> false) then given else argument.of_argument
  | Optional _, _, _ -> different (show label) (show rust)
  | (Plain | Labelled _), _, ty -> ty

let external_problem files library e =
  let symbol = match List.rev e.symbols with native :: _ -> native | [] -> "" in
  match List.find_opt (fun f -> f.D.symbol = symbol) library.D.functions with
  | None when e.symbols = [] -> Some (Printf.sprintf "%s: %s" e.name (text e.ty))
  | None -> Some (Printf.sprintf "%s: its last symbol, %S, is that of no function of the library" e.name symbol)
  | Some f -> (
      let place = String.concat "::" (f.path @ [ f.name ]) in
      let expected = if f.twin then [ symbol ^ "_bytecode"; symbol ] else [ symbol ] in
      let rust_type () =
        let arguments = match f.arguments with [] -> [ (D.Named ("unit", [])) ] | all -> List.map (fun a -> a.D.of_argument) all in
        let result = if f.promise then D.Named ("Lwt.t", [ f.result ]) else f.result in
        rust_text library (Arrow (arguments, result))
      in
      let rec arguments ty (rest : D.argument list) =
        match (ty, rest) with
        | result, [] ->
            let promised = if f.promise then D.Named ("Lwt.t", [ f.result ]) else f.result in
            (* OCaml counts the arrows of an external: what is returned must not have any. *)
            (match (result, promised) with
            | Arrow _, D.Arrow _ -> different (text result) ("an alias of " ^ rust_text library promised)
            | _ -> ());
            compare_types files library To_ocaml e.scope result promised
        | Arrow (label, argument, result), first :: rest ->
            compare_types files library To_rust e.scope argument (compare_labels label first);
            arguments result rest
        | result, _ -> different (text result) "one argument more"
      in
      let unit = { D.argument = ""; label = None; optional = false; of_argument = Named ("unit", []) } in
      let problem what = Some (Printf.sprintf "%s: %s: %s" e.name place what) in
      if e.symbols <> expected then
        problem (Printf.sprintf "the symbols are %s" (String.concat " " (List.map (Printf.sprintf "%S") expected)))
      else if List.mem "noalloc" e.attributes then problem "[@@noalloc] is for functions that touch nothing of OCaml's"
      else if List.mem "unboxed" e.attributes || List.mem "untagged" e.attributes then
        problem "[@@unboxed] passes numbers that are no OCaml values"
      else
        try
          arguments e.ty (match f.arguments with [] -> [ unit ] | all -> all);
          None
        with Different (ocaml, rust) ->
          problem
            (Printf.sprintf "OCaml says %s where Rust has %s\n    OCaml: %s\n    Rust:  %s" ocaml rust (text e.ty) (rust_type ())))

let externals library files =
  let by_module = List.map (fun (file : Source.t) -> (file.module_, file)) files in
  let all = { all = List.concat_map (fun (file : Source.t) -> file.types) files; by_module; objects = Hashtbl.create 8 } in
  let found = List.concat_map (fun (file : Source.t) -> file.externals) files in
  let escaped e = List.exists (fun symbol -> String.contains symbol '\\') e.symbols in
  let known e = e.symbols = [] || escaped e || List.exists (fun f -> List.mem f.D.symbol e.symbols) library.D.functions in
  let own = List.filter known found in
  let problem e =
    Option.map (Printf.sprintf "%s:%d: %s" e.file e.line) (external_problem all library e)
  in
  { externals = List.length own; problems = List.filter_map problem own }

let read file =
  match open_in_bin file with
  | exception Sys_error why -> Fail.with_ [ why ]
  | channel ->
      let text =
        try
          Fun.protect
            ~finally:(fun () -> close_in channel)
            (fun () -> really_input_string channel (in_channel_length channel))
        with Sys_error why -> Fail.with_f "%s: %s" file why
      in
      Source.read ~file text

let run ~library files =
  match externals (Declare.description library) (List.map read files) with
  | { externals = 0; _ } -> Fail.with_ [ "no external of a function of " ^ library ^ " is in these files" ]
  | { problems = []; externals } -> Printf.printf "%d externals have the types of Rust\n" externals
  | { problems; _ } -> Fail.with_ problems
