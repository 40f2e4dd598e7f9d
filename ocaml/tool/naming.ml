open Description

(* The modules that types of OCaml's are in: what is declared here is called otherwise. *)
let rec heads ty =
  match ty with
  | Named (path, arguments) -> (
      let rest = List.concat_map heads arguments in
      match String.split_on_char '.' path with [] | [ _ ] -> rest | head :: _ -> head :: rest)
  | Declared (_, arguments) | Tuple arguments -> List.concat_map heads arguments
  | Arrow (arguments, result) -> List.concat_map heads (result :: arguments)
  | Byte | Var _ | Refused _ -> []

let types_of_func f = f.result :: List.map (fun a -> a.of_argument) f.arguments

let all_types { types; functions; exceptions; _ } =
  List.concat_map (fun t -> types_of_definition t.definition) types
  @ List.concat_map types_of_func functions
  @ List.concat_map (fun e -> types_of_parts e.holds) exceptions

let taken library =
  let all = all_types library in
  let elsewhere = List.map (fun (_, module_) -> List.hd (String.split_on_char '.' module_)) library.elsewhere in
  List.sort_uniq compare ([ "Lwt"; "Lwt_stream"; "Rust_async"; "Obj" ] @ elsewhere @ List.concat_map heads all)

let path ~crate ~taken path =
  let inside = match path with first :: rest when first = crate -> rest | path -> path in
  List.map (Names.module_ ~taken) inside

(* Types that have no module: a declared type is called otherwise. *)
let rec plain_names = function
  | Named (name, arguments) ->
      let rest = List.concat_map plain_names arguments in
      if String.contains name '.' then rest else name :: rest
  | Declared (_, arguments) | Tuple arguments -> List.concat_map plain_names arguments
  | Arrow (arguments, result) -> List.concat_map plain_names (result :: arguments)
  | Byte | Var _ | Refused _ -> []

(* It has a module of its own. *)
let has_module t = match t.definition with Object | Interface _ -> true | _ -> false

(* What its type is called there. *)
let own = "t"

let type_name library =
  let taken = List.sort_uniq compare (List.concat_map plain_names (all_types library)) in
  let taken = if List.exists has_module library.types then own :: taken else taken in
  Names.type_ ~taken
