open Ocaml_type
module D = Description

type checked = { externals : int; problems : string list }

(* What is not alike: OCaml's and Rust's. *)
exception Different of string * string

let different ocaml rust = raise (Different (ocaml, rust))

(* What the files have. *)
type files = {
  types : (string list, type_) Hashtbl.t;
  objects : (string list, string) Hashtbl.t;  (* which abstract type stands for which object *)
}

let find files path = Hashtbl.find_opt files.types path

(* Parameters become arguments. *)
let with_arguments parameters arguments =
  let given = List.combine parameters arguments in
  map_vars (fun name -> Option.value ~default:(Var name) (List.assoc_opt name given))

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
  path = String.split_on_char '.' name || (name = "string" && path = [ "bytes" ])

(* To be given to others, for whatever type they have to give. *)
type otherwise = { fail : 'a. unit -> 'a }

(* Which way a value goes: what goes to OCaml may be one of more tags there, what comes from there one of fewer. Inside of a type that
   is declared it is neither. *)
type way = To_ocaml | To_rust | Neither

let turned = function To_ocaml -> To_rust | To_rust -> To_ocaml | Neither -> Neither
let fits way bound = match (way, bound) with _, Exactly | To_ocaml, At_least | To_rust, At_most -> true | _ -> false

let compare_types files library way ocaml rust =
  (* Pairs of declared types that are being compared, or were: types may be recursive. *)
  let seen = Hashtbl.create 8 in
  (* Types that stand for themselves have no end. *)
  let steps = ref 0 in
  let rec go way ocaml (rust : D.ty) =
    incr steps;
    let fail () = different (text ocaml) (rust_text library rust) in
    let otherwise = { fail } in
    if !steps > 10_000 then fail ();
    let both way ocaml rust = if List.length ocaml = List.length rust then List.iter2 (go way) ocaml rust else fail () in
    match (ocaml, rust) with
    | _, Named ("Obj.t", []) -> ()
    | Constr ([ "char" ], []), Byte | Constr ([ "int" ], []), Byte -> ()
    | Constr (path, arguments), _ -> (
        match (find files path, rust) with
        | Some found, Named (name, rust_arguments) when found.path = String.split_on_char '.' name ->
            both Neither arguments rust_arguments
        | Some { body = Unseen why; _ }, _ -> different (Printf.sprintf "%s (which is not compared: %s)" (text ocaml) why) (rust_text library rust)
        | Some { parameters; body = Alias alias; _ }, _ when List.length parameters = List.length arguments ->
            go way (with_arguments parameters arguments alias) rust
        | Some found, Declared (key, rust_arguments) when List.length found.parameters = List.length arguments ->
            let pair = (found.path, key, List.map text arguments, List.map (rust_text library) rust_arguments) in
            if not (Hashtbl.mem seen pair) then (
              Hashtbl.add seen pair ();
              declared found arguments key rust_arguments)
        | (None | Some { body = Abstract; _ }), Declared (key, rust_arguments) -> (
            (* An unboxed type is what it holds. *)
            match definition key with
            | { D.unboxed = true; definition = D.Record [ { D.ty; _ } ]; _ }
            | { D.unboxed = true; definition = D.Variant [ { D.parts = D.Unnamed [ ty ]; _ } ]; _ } ->
                go Neither ocaml (with_vars rust_arguments ty)
            | _ -> fail ())
        | None, Named (name, rust_arguments) when is_named path name ->
            both (if Print.is_plain_container name then way else Neither) arguments rust_arguments
        | _ -> fail ())
    | Tuple parts, Tuple rust_parts -> both way parts rust_parts
    | Tuple parts, Declared (key, rust_arguments) -> (
        (* A struct without names is a tuple. *)
        match definition key with
        | { D.definition = D.Variant [ { D.parts = D.Unnamed rust_parts; _ } ]; unboxed = false; _ } ->
            both Neither parts (List.map (with_vars rust_arguments) rust_parts)
        | _ -> fail ())
    | Arrow _, Arrow (rust_arguments, rust_result) -> arrow way ocaml rust_arguments rust_result otherwise
    | Tags (bound, tags), Declared (key, rust_arguments) -> (
        match definition key with
        | { D.definition = D.Polymorphic rust_tags; _ } when fits way bound -> polymorphic tags rust_arguments rust_tags otherwise
        | _ -> fail ())
    | (Var _ | Tuple _ | Arrow _ | Tags _ | Other _), _ -> fail ()
  and arrow way ocaml rust_arguments rust_result otherwise =
    match (ocaml, rust_arguments) with
    | _, [] -> go way ocaml rust_result
    | Arrow (Plain, argument, result), first :: rest ->
        go (turned way) argument first;
        arrow way result rest rust_result otherwise
    | _ -> otherwise.fail ()
  and definition key : D.declared =
    match List.find_opt (fun t -> t.D.key = key) library.D.types with
    | Some t -> t
    | None -> failwith ("Rust has not described " ^ key)
  and polymorphic tags rust_arguments rust_tags { fail } =
    let rec flat = function
      | Tag (name, held) -> [ (name, held) ]
      | Inherited (Constr (path, [])) -> (
          match find files path with
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
        | Some ocaml, D.Unnamed [ part ] -> go Neither ocaml (with_vars rust_arguments part)
        | Some ocaml, D.Unnamed (_ :: _ as parts) -> go Neither ocaml (Tuple (List.map (with_vars rust_arguments) parts))
        | _ -> fail ())
      tags rust_tags
  and declared found arguments key rust_arguments =
    let rust = definition key in
    let name = Ocaml_type.name found.path in
    let instance = with_arguments found.parameters arguments and rust_instance = with_vars rust_arguments in
    let part what ocaml rust =
      try go Neither (instance ocaml) (rust_instance rust)
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
  go way ocaml rust

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

let external_problem files library (e : Source.external_) =
  let symbol = match List.rev e.symbols with native :: _ -> native | [] -> "" in
  match List.find_opt (fun f -> f.D.symbol = symbol) library.D.functions with
  | None when e.symbols = [] -> Some (Printf.sprintf "%s: %s" e.name (text e.written))
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
            compare_types files library To_ocaml result promised
        | Arrow (label, argument, result), first :: rest ->
            compare_types files library To_rust argument (compare_labels label first);
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
            (Printf.sprintf "OCaml says %s where Rust has %s\n    OCaml: %s\n    Rust:  %s" ocaml rust (text e.written) (rust_type ())))

let externals library (source : Source.t) =
  let files = { types = Hashtbl.create 64; objects = Hashtbl.create 8 } in
  List.iter (fun t -> Hashtbl.replace files.types t.path t) source.types;
  let escaped (e : Source.external_) = List.exists (fun symbol -> String.contains symbol '\\') e.symbols in
  let known (e : Source.external_) = e.symbols = [] || escaped e || List.exists (fun f -> List.mem f.D.symbol e.symbols) library.D.functions in
  let own = List.filter known source.externals in
  let problem (e : Source.external_) =
    Option.map (Printf.sprintf "%s:%d: %s" e.file e.line) (external_problem files library e)
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
      (file, text)

let run ~library files =
  match externals (Declare.description library) (Source.read (List.map read files)) with
  | { externals = 0; _ } -> Fail.with_ [ "no external of a function of " ^ library ^ " is in these files" ]
  | { problems = []; externals } -> Printf.printf "%d externals have the types of Rust\n" externals
  | { problems; _ } -> Fail.with_ problems
