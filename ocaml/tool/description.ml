open Tree

type ty =
  | Var of int
  | Named of string * ty list
  | Declared of string * ty list
  | Tuple of ty list
  | Arrow of ty list * ty
  | Refused of string

type field = { field : string; field_docs : string; ty : ty }
type parts = Unnamed of ty list | Inline of field list
type constructor = { constructor : string; docs : string; parts : parts }
type definition = Record of field list | Variant of constructor list | No_definition of string

type declared = {
  key : string;
  type_name : string;
  parameters : int;
  type_docs : string;
  unboxed : bool;
  definition : definition;
}

type func = {
  symbol : string;
  name : string;
  path : string list;
  func_docs : string;
  promise : bool;
  twin : bool;
  arguments : (string * ty) list;
  result : ty;
}

exception Unknown of string

let version = "1"

let rec ty = function
  | Group [ Word "var"; Word number ] -> Var (int_of_string number)
  | Group (Word "named" :: String path :: arguments) -> Named (path, List.map ty arguments)
  | Group (Word "declared" :: String key :: arguments) -> Declared (key, List.map ty arguments)
  | Group (Word "tuple" :: parts) -> Tuple (List.map ty parts)
  | Group [ Word "arrow"; Group arguments; result ] -> Arrow (List.map ty arguments, ty result)
  | Group [ Word "refused"; String why ] -> Refused why
  | _ -> raise (Unknown "a type")

let field = function
  | Group [ String field; String field_docs; of_field ] -> { field; field_docs; ty = ty of_field }
  | _ -> raise (Unknown "a field")

let constructor = function
  | Group [ String constructor; String docs; Group (Word "unnamed" :: parts) ] ->
      { constructor; docs; parts = Unnamed (List.map ty parts) }
  | Group [ String constructor; String docs; Group (Word "named" :: fields) ] ->
      { constructor; docs; parts = Inline (List.map field fields) }
  | _ -> raise (Unknown "a constructor")

let definition = function
  | Group (Word "record" :: fields) -> (false, Record (List.map field fields))
  | Group (Word "unboxed-record" :: fields) -> (true, Record (List.map field fields))
  | Group (Word "variant" :: all) -> (false, Variant (List.map constructor all))
  | Group (Word "unboxed-variant" :: all) -> (true, Variant (List.map constructor all))
  | Group [ Word "refused"; String why ] -> (false, No_definition why)
  | _ -> raise (Unknown "a definition")

(* [split "a::b"] is [["a"; "b"]]. *)
let split path = List.filter (( <> ) "") (String.split_on_char ':' path)

let argument = function
  | Group [ String name; of_argument ] -> (name, ty of_argument)
  | _ -> raise (Unknown "an argument")

let item (types, functions) = function
  | Group [ Word "type"; String key; String type_name; Word parameters; String type_docs; of_type ] ->
      let unboxed, definition = definition of_type in
      let parameters = int_of_string parameters in
      ({ key; type_name; parameters; type_docs; unboxed; definition } :: types, functions)
  | Group
      [
        Word "function";
        String symbol;
        String name;
        String path;
        String func_docs;
        Word promise;
        Word twin;
        Group arguments;
        result;
      ] ->
      let func =
        {
          symbol;
          name;
          path = split path;
          func_docs;
          promise = promise = "promise";
          twin = twin = "twin";
          arguments = List.map argument arguments;
          result = ty result;
        }
      in
      (types, func :: functions)
  | _ -> raise (Unknown "a line")

let read text =
  match Tree.all text with
  | Group [ Word "rust-async-declarations"; Word found ] :: items when found = version ->
      let types, functions = List.fold_left item ([], []) items in
      (List.rev types, List.rev functions)
  | _ -> raise (Unknown "the version")
  | exception Tree.Malformed why -> raise (Unknown why)
