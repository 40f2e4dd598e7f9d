open Description
open Module_tree
open Naming

type file = Implementation | Interface

(* How long a line may be. *)
let width = 100

(* Types. *)

let var number = if number < 26 then Printf.sprintf "'%c" (Char.chr (97 + number)) else Printf.sprintf "'p%d" number

(* Where a type stands: what needs parentheses there. *)
type place = Anywhere | In_arrow | In_tuple | In_application

(* Which way values go where a type stands. A polymorphic variant that goes to OCaml may be one of more tags there, and one that
   comes may be of fewer. In the definition of a type it is what it is. *)
type way = To_ocaml | To_rust | Defined

(* In these, a row of tags may stand for what it stands for alone. Anywhere else, a parameter may be that of a function. *)
let is_plain_container name = List.mem name [ "option"; "list"; "array"; "result"; "Lwt.t"; "Lwt_stream.t" ]

let turned = function To_ocaml -> To_rust | To_rust -> To_ocaml | Defined -> Defined

(* The names of declared types. *)
type declared_name = { ocaml : string; is_polymorphic : bool }

let rec ty names way place t =
  let parenthesized if_ text = if if_ then "(" ^ text ^ ")" else text in
  let applied name arguments =
    let way = if is_plain_container name then way else Defined in
    match arguments with
    | [] -> name
    | [ argument ] -> ty names way In_application argument ^ " " ^ name
    | arguments -> Printf.sprintf "(%s) %s" (String.concat ", " (List.map (ty names way Anywhere) arguments)) name
  in
  match t with
  | Var number -> var number
  | Byte -> "int"
  | Named (name, arguments) -> applied name arguments
  | Declared (key, arguments) -> (
      let { ocaml; is_polymorphic } = List.assoc key names in
      let text = applied ocaml arguments in
      match way with
      | To_ocaml when is_polymorphic -> Printf.sprintf "[> %s ]" text
      | To_rust when is_polymorphic -> Printf.sprintf "[< %s ]" text
      | To_ocaml | To_rust | Defined -> text)
  | Tuple parts ->
      let text = String.concat " * " (List.map (ty names way In_tuple) parts) in
      parenthesized (place = In_tuple || place = In_application) text
  | Arrow (arguments, result) ->
      let parts = List.map (ty names (turned way) In_arrow) arguments @ [ ty names way Anywhere result ] in
      parenthesized (place <> Anywhere) (String.concat " -> " parts)
  | Refused why -> failwith why

let fields names docs indent fields =
  let field f =
    Printf.sprintf "%s%s : %s;%s\n" indent (Names.value f.field) (ty names Defined Anywhere f.ty) (docs f.field_docs)
  in
  String.concat "" (List.map field fields)

(* What a constructor holds, behind its name. *)
let held names docs indent = function
  | Unnamed [] -> ""
  | Unnamed parts -> " of " ^ String.concat " * " (List.map (ty names Defined In_tuple) parts)
  | Inline inline -> Printf.sprintf " of {\n%s%s}" (fields names docs (indent ^ "  ") inline) indent

let constructor names docs c =
  Printf.sprintf "  | %s%s%s\n" (Names.constructor c.constructor) (held names docs "    " c.parts) (docs c.docs)

(* A tag holds one value: of several, a tuple. *)
let polymorphic names docs c =
  let held =
    match c.parts with
    | Unnamed [] -> ""
    | Unnamed [ part ] -> " of " ^ ty names Defined Anywhere part
    | Unnamed parts -> " of " ^ ty names Defined Anywhere (Tuple parts)
    | Inline _ -> failwith "a tag has no fields"
  in
  Printf.sprintf "  | `%s%s%s\n" c.constructor held (docs c.docs)

(* What a function takes and gives. *)

let arguments names way = function
  | [] -> [ "unit" ]
  | all ->
      let text = ty names way In_arrow in
      let argument a =
        match (a.label, a.of_argument) with
        | None, plain -> text plain
        | Some label, Named ("option", [ given ]) when a.optional ->
            Printf.sprintf "?%s:%s" (Names.value label) (text given)
        | Some label, labelled -> Printf.sprintf "%s:%s" (Names.value label) (text labelled)
      in
      List.map argument all

let promised promise result = if promise then Named ("Lwt.t", [ result ]) else result

(* A function of an interface, as a field. *)
let method_ names part indent m =
  let result = promised m.method_promise m.method_result in
  let parts = arguments names Defined m.method_arguments @ [ ty names Defined In_arrow result ] in
  let text = String.concat " -> " parts in
  Printf.sprintf "%s%s : %s;%s\n" indent (Names.value m.method_name) text (part m.method_docs)

let methods names part indent all = String.concat "" (List.map (method_ names part indent) all)

let declared file names keyword t =
  let text = if has_module t then "The type `" ^ t.type_name ^ "." ^ own ^ "`, below." else t.type_docs in
  let doc, part =
    match file with
    | Interface -> (Doc.item ~indent:"" text, Doc.part)
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
    | Object -> ""
    | Interface all -> Printf.sprintf " = {\n%s}" (methods names (fun _ -> "") "  " all)
    | Record all -> Printf.sprintf " = {\n%s}" (fields names part "  " all)
    | Variant all -> " =\n" ^ String.concat "" (List.map (constructor names part) all)
    | Polymorphic all -> Printf.sprintf " = [\n%s]" (String.concat "" (List.map (polymorphic names part) all))
    | No_definition why -> failwith why
  in
  (* OCaml wants it said of a type that it could unbox. *)
  let could_be_unboxed =
    match t.definition with
    | Record [ _ ] | Variant [ { parts = Unnamed [ _ ] | Inline [ _ ]; _ } ] -> true
    | Interface [ _ ] -> true
    | Record _ | Variant _ | Polymorphic _ | Object | Interface _ | No_definition _ -> false
  in
  let unboxed = if t.unboxed then " [@@unboxed]" else if could_be_unboxed then " [@@boxed]" else "" in
  let text = Printf.sprintf "%s %s%s%s" keyword parameters (List.assoc t.key names).ocaml definition in
  let text = if text.[String.length text - 1] = '\n' then String.sub text 0 (String.length text - 1) else text in
  Printf.sprintf "%s%s%s%s\n" doc.before text unboxed doc.after

let group file names types =
  let keyword at = if at = 0 then "type" else "and" in
  String.concat "\n" (List.mapi (fun at t -> declared file names (keyword at) t) types)

(* Functions. *)

let call f =
  let argument a =
    match a.label with
    | None -> Names.value a.argument
    | Some label -> (if a.optional then "?" else "~") ^ Names.value label
  in
  let arguments = match f.arguments with [] -> [ "()" ] | named -> List.map argument named in
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
  let result = promised f.promise f.result in
  let parts = arguments names To_rust f.arguments @ [ ty names To_ocaml In_arrow (returned result) ] in
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

(* Exceptions. *)

let exception_ file names indent e =
  let doc, part =
    match file with
    | Interface -> (Doc.item ~indent e.exception_docs, Doc.part)
    | Implementation -> (Doc.item ~indent "", fun _ -> "")
  in
  let name = Names.constructor e.exception_name in
  let text = Printf.sprintf "%sexception %s%s" indent name (held names part indent e.holds) in
  let registered =
    match file with
    | Interface -> ""
    | Implementation ->
        Printf.sprintf "%slet () = Rust_async.Declared.exception_ %S [%%extension_constructor %s]\n" indent
          e.exception_key name
  in
  Printf.sprintf "%s%s%s\n%s" doc.before text doc.after registered

(* Objects. *)

(* The type and its `close`, which is called otherwise where Rust has a function of that name. *)
let object_ file names indent tree t =
  let doc text =
    match file with Interface -> Doc.item ~indent text | Implementation -> Doc.item ~indent ""
  in
  let item text docs = let doc = doc docs in Printf.sprintf "%s%s%s%s\n" doc.before indent text doc.after in
  let type_ = item (Printf.sprintf "type %s = %s" own (List.assoc t.key names).ocaml) t.type_docs in
  let is_free name = not (List.exists (fun f -> Names.value f.name = name) tree.inside) in
  let close name =
    item
      (Printf.sprintf "external %s : %s -> unit = \"ocaml_lwt_interop_close\"" name own)
      (Printf.sprintf
         "`%s %s`\n\nThe Rust value goes as soon as no call uses it, and not when the collector comes by.\nCalls from now on \
          raise `Rust_async.Misuse`; to close it again does nothing."
         name own)
  in
  (type_, Option.to_list (Option.map close (List.find_opt is_free [ "close"; "release"; "let_go" ])))

(* The record once more, so that its fields are in the module too, and what gives one to Rust. *)
let interface file names indent t all =
  let doc text = match file with Interface -> Doc.item ~indent text | Implementation -> Doc.item ~indent "" in
  let part = match file with Interface -> Doc.part | Implementation -> fun _ -> "" in
  let item text docs = let doc = doc docs in Printf.sprintf "%s%s%s%s\n" doc.before indent text doc.after in
  let boxed = match all with [ _ ] -> " [@@boxed]" | _ -> "" in
  let fields = methods names part (indent ^ "  ") all in
  let type_ =
    item (Printf.sprintf "type %s = %s = {\n%s%s}%s" own (List.assoc t.key names).ocaml fields indent boxed) t.type_docs
  in
  let provide =
    match file with
    | Interface ->
        item
          (Printf.sprintf "val provide : ?name:string -> %s -> unit" own)
          "`provide ~name t`\n\nWhat Rust gets when it asks for this interface, under that name or without one.\nRaises \
           `Invalid_argument` where there is one already."
    | Implementation ->
        item
          (Printf.sprintf "let provide ?name (implementation : %s) = Rust_async.Declared.provide ~interface:%S ?name implementation"
             own t.key)
          ""
  in
  (type_, [ provide ])

let rec modules file names indent tree =
  let inner = indent ^ "  " in
  let own_type, close =
    match tree.object_ with
    | None -> ([], [])
    | Some t ->
        let type_, rest =
          match t.definition with
          | Interface all -> interface file names indent t all
          | _ -> object_ file names indent tree t
        in
        ([ type_ ], rest)
  in
  let names_here =
    match tree.object_ with
    | None -> names
    | Some t -> (t.key, { ocaml = own; is_polymorphic = false }) :: names
  in
  let opening = match file with Implementation -> "= struct" | Interface -> ": sig" in
  let module_ (name, tree) =
    Printf.sprintf "%smodule %s %s\n%s%send\n" indent name opening (modules file names inner tree) indent
  in
  String.concat "\n"
    (own_type
    @ List.map (exception_ file names_here indent) tree.inside_exceptions
    @ List.map (func file names_here indent) tree.inside
    @ close
    @ List.map module_ tree.modules)

(* The library that the program is linked with is the one that this is made from. *)
let checks { crates; _ } =
  let check (name, fingerprint) = Printf.sprintf "let () = Rust_async.Declared.check ~crate:%S %S\n" name fingerprint in
  [ String.concat "" (List.map check crates) ]

let file file ~crate ({ types; functions; exceptions; _ } as library) =
  let taken = taken library in
  let type_name = type_name library in
  let is_polymorphic t = match t.definition with Polymorphic _ -> true | _ -> false in
  let name t = (t.key, { ocaml = type_name t.type_name; is_polymorphic = is_polymorphic t }) in
  let name_elsewhere (t, module_) =
    (t.key, { ocaml = module_ ^ "." ^ Names.type_ t.type_name; is_polymorphic = is_polymorphic t })
  in
  let names = List.map name types @ List.map name_elsewhere library.elsewhere in
  let put_exception tree e =
    let add tree = { tree with inside_exceptions = tree.inside_exceptions @ [ e ] } in
    insert add tree (path ~crate ~taken e.exception_path)
  in
  let put_function tree f =
    insert (fun tree -> { tree with inside = tree.inside @ [ f ] }) tree (path ~crate ~taken f.path)
  in
  let put_object tree t =
    insert (fun tree -> { tree with object_ = Some t }) tree (path ~crate ~taken (module_of t))
  in
  let tree = List.fold_left put_function (List.fold_left put_exception empty exceptions) functions in
  let tree = List.fold_left put_object tree (List.filter has_module types) in
  let groups = Groups.of_types types in
  (* Types of one group may have fields and constructors of one name. *)
  let warning = if List.exists (fun group -> List.length group > 1) groups then [ "[@@@ocaml.warning \"-30\"]\n" ] else [] in
  String.concat "\n"
    (("(* Made from Rust by rust-async. *)\n" :: warning)
    @ (match file with Implementation -> checks library | Interface -> [])
    @ (if List.exists returns_function functions then [ "type 'a returned = 'a\n" ] else [])
    @ List.map (group file names) groups
    @ [ modules file names "" tree ])
