open Ocaml_type

type module_ = Known of contents | Foreign of string list | Unseen of string list * string

and contents = {
  types : (string * string list) list;
  modules : (string * module_ Lazy.t) list;
  signatures : (string * module_) list;
  others : string list list;  (* foreign modules that are included *)
  unsure : string option;  (* names may be those of something that is not seen, for this reason *)
}

let empty = { types = []; modules = []; signatures = []; others = []; unsure = None }
let with_type name path here = { here with types = (name, path) :: here.types }
let with_module name module_ here = { here with modules = (name, module_) :: here.modules }
let with_signature name signature here = { here with signatures = (name, signature) :: here.signatures }

let opened module_ here =
  match module_ with
  | Foreign _ -> here
  | Known more ->
      {
        here with
        types = more.types @ (if more.unsure = None then here.types else []);
        modules = more.modules @ here.modules;
        signatures = more.signatures @ here.signatures;
        unsure = (if more.unsure = None then here.unsure else more.unsure);
      }
  (* What was known until now may be hidden. *)
  | Unseen (_, why) -> { here with types = []; unsure = Some why }

let included module_ here =
  let here = opened module_ here in
  match module_ with
  | Foreign path -> { here with others = path :: here.others }
  | Known more -> { here with others = more.others @ here.others }
  | Unseen _ -> here

(* What is not there may be of what is included. *)
let missing here rest =
  match here with
  | { unsure = Some why; _ } -> Unseen (rest, why)
  | { others = []; _ } -> Foreign rest
  | { others = [ other ]; _ } -> Foreign (other @ rest)
  | { others = _ :: _ :: _; _ } -> Unseen (rest, "its module includes several that are not among the files")

let forced module_ path =
  (* Files that need one another are none that OCaml compiles. *)
  try Lazy.force module_ with Lazy.Undefined -> Unseen (path, "its file needs itself")

let rec inside module_ rest =
  match (module_, rest) with
  | _, [] -> module_
  | Foreign path, _ -> Foreign (path @ rest)
  | Unseen (path, why), _ -> Unseen (path @ rest, why)
  | Known here, first :: more -> (
      match List.assoc_opt first here.modules with
      | Some found -> inside (forced found [ first ]) more
      | None -> missing here rest)

let module_ here path =
  match path with
  | [] -> Foreign []
  | first :: rest -> (
      match List.assoc_opt first here.modules with
      | Some found -> inside (forced found [ first ]) rest
      | None -> ( match path with "Stdlib" :: (_ :: _ as path) -> Foreign path | _ -> Foreign path))

let split path =
  match List.rev path with last :: before -> (List.rev before, last) | [] -> invalid_arg "Scope.split"

let signature here path =
  let found here name = List.assoc_opt name here.signatures in
  let unseen = Unseen (path, "its signature, " ^ name path ^ ", is not among the files") in
  match split path with
  | [], name -> Option.value ~default:unseen (found here name)
  | modules, name -> (
      match module_ here modules with
      | Known contents -> Option.value ~default:unseen (found contents name)
      | Unseen (_, why) -> Unseen (path, why)
      | Foreign _ -> unseen)

let type_ here path =
  let path = match path with "Stdlib" :: path when not (List.mem_assoc "Stdlib" here.modules) -> path | path -> path in
  match split path with
  | [], name -> (
      match (List.assoc_opt name here.types, here.unsure) with
      | Some found, _ -> (found, None)
      | None, Some why when not (List.mem name Names.types) -> (path, Some why)
      | None, _ -> (path, None))
  | modules, name -> (
      match module_ here modules with
      | Foreign modules -> (modules @ [ name ], None)
      | Unseen (modules, why) -> (modules @ [ name ], Some why)
      | Known contents -> (
          match List.assoc_opt name contents.types with
          | Some found -> (found, None)
          | None -> (
              match missing contents [ name ] with
              | Foreign [ _ ] | Known _ -> (path, None)
              | Foreign found -> (found, None)
              | Unseen (_, why) -> (path, Some why))))

(* What OCaml has. *)

let plain name = Constr ([ name ], [])

let equal =
  let module_of name = String.capitalize_ascii name in
  List.map
    (fun name -> ([ module_of name; "t" ], [], plain name))
    [ "bool"; "bytes"; "char"; "float"; "int"; "int32"; "int64"; "nativeint"; "string"; "unit" ]
  @ List.map (fun name -> ([ module_of name; "t" ], [ "a" ], Constr ([ name ], [ Var "a" ]))) [ "list"; "option"; "array" ]
  @ [
      ([ "Result"; "t" ], [ "a"; "b" ], Constr ([ "result" ], [ Var "a"; Var "b" ]));
      ( [ "Lwt_bytes"; "t" ],
        [],
        Constr
          ( [ "Bigarray"; "Array1"; "t" ],
            [ plain "char"; Constr ([ "Bigarray"; "int8_unsigned_elt" ], []); Constr ([ "Bigarray"; "c_layout" ], []) ] ) );
    ]

let known_types = List.map (fun (path, parameters, ty) -> { path; parameters; body = Alias ty; unboxed = false }) equal

(* Those that a program opens to have its types. *)
let known =
  let inside module_ names here = List.fold_left (fun here name -> with_type name (module_ @ [ name ]) here) here names in
  let elements =
    [
      "float32_elt"; "float64_elt"; "int8_signed_elt"; "int8_unsigned_elt"; "int16_signed_elt"; "int16_unsigned_elt";
      "int32_elt"; "int64_elt"; "int_elt"; "nativeint_elt"; "complex32_elt"; "complex64_elt"; "c_layout"; "fortran_layout";
    ]
  in
  let bigarray =
    List.fold_left
      (fun here name -> with_module name (lazy (Known (inside [ "Bigarray"; name ] [ "t" ] empty))) here)
      (inside [ "Bigarray" ] elements empty)
      [ "Genarray"; "Array0"; "Array1"; "Array2"; "Array3" ]
  in
  with_module "Bigarray" (lazy (Known bigarray)) empty
