open Tree

type ty =
  | Byte
  | Var of int
  | Named of string * ty list
  | Declared of string * ty list
  | Tuple of ty list
  | Arrow of ty list * ty
  | Refused of string

type field = { field : string; field_docs : string; ty : ty }
type parts = Unnamed of ty list | Inline of field list
type constructor = { constructor : string; docs : string; parts : parts }
type argument = { argument : string; label : string option; optional : bool; of_argument : ty }

type method_ = {
  method_name : string;
  method_docs : string;
  method_promise : bool;
  method_arguments : argument list;
  method_result : ty;
}

type definition =
  | Record of field list
  | Variant of constructor list
  | Polymorphic of constructor list
  | Object
  | Interface of method_ list
  | No_definition of string

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
  arguments : argument list;
  result : ty;
}

type exception_ = {
  exception_key : string;
  exception_name : string;
  exception_path : string list;
  exception_docs : string;
  holds : parts;
}

type interface = { interface_path : string list; of_interface : ty }

type library = {
  types : declared list;
  elsewhere : (declared * string) list;
  functions : func list;
  exceptions : exception_ list;
  interfaces : interface list;
  crates : (string * string) list;
}

let module_of t =
  match List.rev (List.filter (( <> ) "") (String.split_on_char ':' t.key)) with
  | _ :: inside -> List.rev (t.type_name :: inside)
  | [] -> [ t.type_name ]

let types_of_parts = function Unnamed types -> types | Inline fields -> List.map (fun f -> f.ty) fields

let types_of_method m = m.method_result :: List.map (fun a -> a.of_argument) m.method_arguments

let types_of_definition = function
  | Interface methods -> List.concat_map types_of_method methods
  | Record fields -> List.map (fun field -> field.ty) fields
  | Variant constructors | Polymorphic constructors -> List.concat_map (fun c -> types_of_parts c.parts) constructors
  | Object | No_definition _ -> []

let rec declared_keys = function
  | Declared (key, arguments) -> key :: List.concat_map declared_keys arguments
  | Named (_, types) | Tuple types -> List.concat_map declared_keys types
  | Arrow (arguments, result) -> List.concat_map declared_keys (result :: arguments)
  | Byte | Var _ | Refused _ -> []

let only ~crate { types; elsewhere; functions; exceptions; interfaces; crates } =
  let is_of path = List.hd path = crate in
  let functions = List.filter (fun f -> is_of f.path) functions in
  let exceptions = List.filter (fun e -> is_of e.exception_path) exceptions in
  let interfaces = List.filter (fun i -> is_of i.interface_path) interfaces in
  let needed = Hashtbl.create 16 in
  let rec need ty = List.iter need_key (declared_keys ty)
  and need_key key =
    if not (Hashtbl.mem needed key) then begin
      Hashtbl.add needed key ();
      List.iter (fun t -> if t.key = key then List.iter need (types_of_definition t.definition)) types
    end
  in
  List.iter (fun f -> List.iter need (f.result :: List.map (fun a -> a.of_argument) f.arguments)) functions;
  List.iter (fun e -> List.iter need (types_of_parts e.holds)) exceptions;
  List.iter (fun i -> need i.of_interface) interfaces;
  let types = List.filter (fun t -> Hashtbl.mem needed t.key) types in
  { types; elsewhere; functions; exceptions; interfaces; crates = List.filter (fun (name, _) -> name = crate) crates }

let declared_elsewhere modules library =
  let crate t = match String.index_opt t.key ':' with Some colon -> String.sub t.key 0 colon | None -> t.key in
  let of_others, types = List.partition (fun t -> List.mem_assoc (crate t) modules) library.types in
  { library with types; elsewhere = List.map (fun t -> (t, List.assoc (crate t) modules)) of_others }

exception Unknown of string

let version = "1"

let rec ty = function
  | Group [ Word "byte" ] -> Byte
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

let parts = function
  | Group (Word "unnamed" :: parts) -> Unnamed (List.map ty parts)
  | Group (Word "named" :: fields) -> Inline (List.map field fields)
  | _ -> raise (Unknown "a part")

let constructor = function
  | Group [ String constructor; String docs; held ] -> { constructor; docs; parts = parts held }
  | _ -> raise (Unknown "a constructor")

let argument = function
  | Group [ String argument; Word "plain"; of_argument ] ->
      { argument; label = None; optional = false; of_argument = ty of_argument }
  | Group [ String argument; Word (("labelled" | "optional") as word); String label; of_argument ] ->
      { argument; label = Some label; optional = word = "optional"; of_argument = ty of_argument }
  | _ -> raise (Unknown "an argument")

let method_ = function
  | Group [ String method_name; String method_docs; Word promise; Group arguments; result ] ->
      {
        method_name;
        method_docs;
        method_promise = promise = "promise";
        method_arguments = List.map argument arguments;
        method_result = ty result;
      }
  | _ -> raise (Unknown "a function of an interface")

let definition = function
  | Group (Word "record" :: fields) -> (false, Record (List.map field fields))
  | Group (Word "unboxed-record" :: fields) -> (true, Record (List.map field fields))
  | Group (Word "variant" :: all) -> (false, Variant (List.map constructor all))
  | Group (Word "unboxed-variant" :: all) -> (true, Variant (List.map constructor all))
  | Group (Word "polymorphic" :: all) -> (false, Polymorphic (List.map constructor all))
  | Group [ Word "object" ] -> (false, Object)
  | Group (Word "interface" :: methods) -> (false, Interface (List.map method_ methods))
  | Group [ Word "refused"; String why ] -> (false, No_definition why)
  | _ -> raise (Unknown "a definition")

(* [split "a::b"] is [["a"; "b"]]. *)
let split path = List.filter (( <> ) "") (String.split_on_char ':' path)

let item library = function
  | Group [ Word "type"; String key; String type_name; Word parameters; String type_docs; of_type ] ->
      let unboxed, definition = definition of_type in
      let parameters = int_of_string parameters in
      { library with types = { key; type_name; parameters; type_docs; unboxed; definition } :: library.types }
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
      { library with functions = func :: library.functions }
  | Group [ Word "exception"; String exception_key; String exception_name; String path; String exception_docs; held ] ->
      let exception_ =
        { exception_key; exception_name; exception_path = split path; exception_docs; holds = parts held }
      in
      { library with exceptions = exception_ :: library.exceptions }
  | Group [ Word "interface"; String path; of_interface ] ->
      let interface = { interface_path = split path; of_interface = ty of_interface } in
      { library with interfaces = interface :: library.interfaces }
  | Group [ Word "crate"; String name; String fingerprint ] ->
      { library with crates = (name, fingerprint) :: library.crates }
  | _ -> raise (Unknown "a line")

let read text =
  match Tree.all text with
  | Group [ Word "rust-async-declarations"; Word found ] :: items when found = version ->
      let empty = { types = []; elsewhere = []; functions = []; exceptions = []; interfaces = []; crates = [] } in
      let { types; elsewhere; functions; exceptions; interfaces; crates } = List.fold_left item empty items in
      {
        types = List.rev types;
        elsewhere;
        functions = List.rev functions;
        exceptions = List.rev exceptions;
        interfaces;
        crates = List.rev crates;
      }
  | _ -> raise (Unknown "the version")
  | exception Tree.Malformed why -> raise (Unknown why)
