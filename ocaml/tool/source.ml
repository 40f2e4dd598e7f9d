open Ocaml_type
open Tokens
open Type_reader

type external_ = {
  file : string;
  line : int;
  name : string;
  ty : ty;
  written : ty;
  symbols : string list;
  attributes : string list;
}

type t = { types : type_ list; externals : external_ list }

(* What is found so far. *)
type found = {
  types : (string list, type_) Hashtbl.t;
  mutable externals : external_ list;
  mutable anonymous : int;  (* modules that have no name *)
}

let last change path = List.mapi (fun at word -> if at = List.length path - 1 then change word else word) path

(* A type may be declared twice: the second hides the first. *)
let unused found path =
  let rec from at =
    let path = if at = 1 then path else last (fun name -> number name at) path in
    if Hashtbl.mem found.types path then from (at + 1) else path
  in
  from 1

(* [ty] with the paths of what its paths mean. *)
let resolved found here =
  map_constrs (fun path arguments ->
      match Scope.type_ here path with
      | path, None -> Constr (path, arguments)
      | path, Some why ->
          (* Not what is declared where nobody but a functor sees it. *)
          let path = last (fun name -> number name 0) path in
          Hashtbl.replace found.types path { path; parameters = []; body = Unseen why; unboxed = false };
          Constr (path, arguments))

let resolved_body found here = function
  | (Abstract | Unseen _) as body -> body
  | Alias ty -> Alias (resolved found here ty)
  | Record fields -> Record (List.map (fun (name, ty) -> (name, resolved found here ty)) fields)
  | Variant constructors ->
      let parts = function
        | Unnamed parts -> Unnamed (List.map (resolved found here) parts)
        | Inline fields -> Inline (List.map (fun (name, ty) -> (name, resolved found here ty)) fields)
      in
      Variant (List.map (fun (name, held) -> (name, parts held)) constructors)

let external_ r found ~file ~line here =
  let start = r.at in
  let add name written symbols attributes =
    let ty = resolved found here written in
    found.externals <- { file; line; name; ty; written; symbols; attributes } :: found.externals
  in
  try
    let name = match peek r with Word name -> name | _ -> raise Unreadable in
    skip r;
    expect r (Symbol ":");
    let written = ty r in
    expect r (Symbol "=");
    let rec symbols () =
      match peek r with
      | String symbol ->
          skip r;
          symbol :: symbols ()
      | _ -> []
    in
    let symbols = symbols () in
    add name written symbols (attributes r "[@@")
  with Unreadable ->
    r.at <- start;
    add (match peek r with Word name -> name | _ -> "") (Other unreadable) [] []

let functor_ = "is a functor"
let made_by_functor = "a functor makes it"

(* The items of a structure or a signature, up to its end. *)
let items r found ~file ~scope here =
  let nobody () =
    found.anonymous <- found.anonymous + 1;
    string_of_int found.anonymous
  in
  let rec contents scope here =
    let here = ref here and own = ref Scope.empty in
    (* Inside of an expression, which may open modules for itself. *)
    let expression = ref !here in
    let change f =
      here := f !here;
      own := f !own;
      expression := !here
    in
    let rec go previous =
      let line = snd r.tokens.(min r.at (Array.length r.tokens - 1)) in
      let token = peek r in
      (* Behind a word, and behind something whole. *)
      let next () = go token and behind () = go End in
      match (token, previous) with
      | (End | Word "end"), _ -> ()
      | Symbol ("[@" | "[@@" | "[@@@"), _ ->
          skip_group r;
          behind ()
      | Word "module", (Word ("let" | "with" | "and") | Symbol "(") ->
          skip r;
          next ()
      | Word "module", _ -> (
          skip r;
          match peek r with
          | Word "type" ->
              skip r;
              module_type_item ();
              behind ()
          | _ ->
              let recursive = accept r (Word "rec") in
              module_item ~recursive;
              behind ())
      | Word "and", _ when (match peek_next r with Word name -> is_capital name | _ -> false) -> (
          skip r;
          match peek_next r with
          | Symbol ":" ->
              module_item ~recursive:true;
              behind ()
          | _ -> next ())
      | Word "open", Word "let" ->
          skip r;
          ignore (accept r (Symbol "!"));
          (match module_path r with [] -> () | path -> expression := Scope.opened (Scope.module_ !expression path) !expression);
          next ()
      | Word "open", _ ->
          skip r;
          ignore (accept r (Symbol "!"));
          let module_ = module_ (scope @ [ nobody () ]) !here in
          here := Scope.opened module_ !here;
          expression := !here;
          behind ()
      | Word "include", _ ->
          skip r;
          let module_ = included scope !here in
          here := Scope.opened module_ !here;
          own := Scope.included module_ !own;
          expression := !here;
          behind ()
      | Word "type", (Word ("with" | "and" | "module") | Symbol ("(" | ":")) ->
          skip r;
          next ()
      | Word "type", _ ->
          skip r;
          type_items ();
          behind ()
      | Word "external", _ ->
          skip r;
          external_ r found ~file ~line !here;
          behind ()
      | Word ("struct" | "sig" | "begin" | "object"), _ ->
          skip r;
          ignore (contents (scope @ [ nobody () ]) !expression);
          ignore (accept r (Word "end"));
          behind ()
      | _ ->
          skip r;
          next ()
    and type_items () =
      let nonrec_, types = Type_reader.types r in
      let before = !here in
      let named = List.map (fun (t : type_) ->
        let path = unused found (scope @ t.path) in
        (* The place is taken at once: two of a group do not get it. *)
        Hashtbl.replace found.types path { t with path; body = Abstract };
        (path, t)) types
      in
      List.iter (fun (path, (t : type_)) -> change (Scope.with_type (List.hd t.path) path)) named;
      let inside = if nonrec_ then before else !here in
      List.iter
        (fun (path, (t : type_)) -> Hashtbl.replace found.types path { t with path; body = resolved_body found inside t.body })
        named
    and module_type_item () =
      match peek r with
      | Word name when is_capital name ->
          skip r;
          let signature =
            if accept r (Symbol "=") then module_type (scope @ [ nobody () ]) !here
            else Scope.Unseen (scope @ [ name ], "its signature is abstract")
          in
          change (Scope.with_signature name signature)
      | _ -> ()
    and module_item ~recursive =
      match peek r with
      | Word name when name = "_" || is_capital name ->
          skip r;
          let scope = scope @ [ name ] in
          let inside = if recursive then Scope.with_module name (lazy (Scope.Unseen (scope, "its module is recursive"))) !here else !here in
          let is_functor, inside = functor_parameters scope inside in
          let signature = if accept r (Symbol ":") then Some (module_type scope inside) else None in
          let is_defined = accept r (Symbol "=") || (accept r (Symbol ":") && accept r (Symbol "=")) || accept r (Symbol ":=") in
          let structure = if is_defined then Some (module_ scope inside) else None in
          let result =
            match (signature, structure) with
            | _ when is_functor -> Scope.Unseen (scope, functor_)
            | Some signature, _ -> signature
            | None, Some structure -> structure
            | None, None -> Scope.Unseen (scope, unreadable)
          in
          change (Scope.with_module name (Lazy.from_val result))
      | _ -> ()
    in
    go End;
    !own
  (* [(X : S) (Y : T)] *)
  and functor_parameters scope here =
    let rec all found here =
      match (peek r, peek_next r) with
      | Symbol "(", Symbol ")" ->
          skip r;
          skip r;
          all true here
      | Symbol "(", Word name when is_capital name || name = "_" ->
          let here =
            Scope.with_module name (lazy (Scope.Unseen (scope @ [ name ], "it is of the argument of a functor"))) here
          in
          skip_group r;
          all true here
      | _ -> (found, here)
    in
    all false here
  and module_ scope here =
    match peek r with
    | Word "struct" ->
        skip r;
        let inside = contents scope here in
        ignore (accept r (Word "end"));
        Scope.Known inside
    | Word "functor" ->
        skip r;
        let _, here = functor_parameters scope here in
        if accept r (Symbol "->") then ignore (module_ scope here);
        Scope.Unseen (scope, functor_)
    | Symbol "(" ->
        skip r;
        ignore (module_ scope here);
        Scope.Unseen (scope, "the expression of its module is none that this command can read")
    | Word word when is_capital word ->
        let path = module_path r in
        if peek r = Symbol "(" then Scope.Unseen (scope, made_by_functor) else Scope.module_ here path
    | _ -> Scope.Unseen (scope, "the expression of its module is none that this command can read")
  and module_type scope here =
    let signature =
      match (peek r, peek_next r) with
      | Word "sig", _ ->
          skip r;
          let inside = contents scope here in
          ignore (accept r (Word "end"));
          Scope.Known inside
      | Word "module", Word "type" ->
          skip r;
          skip r;
          ignore (accept r (Word "of"));
          module_ scope here
      | Word word, _ when is_capital word -> Scope.signature here (module_path r)
      | _ -> Scope.Unseen (scope, "its signature is none that this command can read")
    in
    if accept r (Word "with") then (
      constraints ();
      Scope.Unseen (scope, "its signature has a `with`"))
    else signature
  and constraints () =
    let equals () = if not (accept r (Symbol ":=")) then expect r (Symbol "=") in
    try
      (if accept r (Word "type") then (
         ignore (parameters r);
         ignore (try path r with Unreadable -> module_path r);
         equals ();
         ignore (ty r))
       else (
         expect r (Word "module");
         ignore (module_path r);
         equals ();
         ignore (module_path r)));
      if accept r (Word "and") then constraints ()
    with Unreadable -> ()
  and included scope here =
    match (peek r, peek_next r) with
    | Word ("sig" | "module"), _ -> module_type scope here
    | Word word, _ when is_capital word -> (
        let path = module_path r in
        if peek r = Symbol "(" then Scope.Unseen (scope, made_by_functor)
        else if accept r (Word "with") then (
          constraints ();
          Scope.Unseen (scope, "a signature that its module includes has a `with`"))
        else
          match (Scope.module_ here path, Scope.signature here path) with
          | Foreign _, (Known _ as signature) -> signature
          | module_, _ -> module_)
    | _ -> module_ scope here
  in
  contents scope here

let module_name file = String.capitalize_ascii (Filename.remove_extension (Filename.basename file))

let read files =
  let found = { types = Hashtbl.create 64; externals = []; anonymous = 0 } in
  let rec modules = lazy (List.map (fun (file, text) -> (file, lazy (one file text))) files)
  and one file text =
    let r = { tokens = Tokens.read text; at = 0 } in
    let own = module_name file in
    let is_other (other, _) = module_name other <> own in
    (* What others see of a module is its interface. *)
    let interfaces_last = List.stable_sort (fun (a, _) (b, _) -> compare (Filename.extension a) (Filename.extension b)) in
    let here =
      List.fold_left
        (fun here (file, module_) -> Scope.with_module (module_name file) module_ here)
        Scope.known
        (interfaces_last (List.filter is_other (Lazy.force modules)))
    in
    let rec all inside =
      let inside = Scope.included (Known (items r found ~file ~scope:[ own ] (Scope.opened (Known inside) here))) inside in
      (* An [end] too many. *)
      if accept r (Word "end") then all inside else inside
    in
    Scope.Known (all Scope.empty)
  in
  let rec twice = function
    | [] -> ()
    | (file, _) :: rest ->
        let same (other, _) = module_name other = module_name file && Filename.extension other = Filename.extension file in
        List.iter
          (fun (other, _) ->
            if same (other, ()) then Fail.with_f "%s and %s are both the module %s: compare them one by one" file other (module_name file))
          rest;
        twice rest
  in
  twice files;
  List.iter (fun (_, module_) -> ignore (Lazy.force module_)) (Lazy.force modules);
  let types = List.of_seq (Hashtbl.to_seq_values found.types) in
  { types = Scope.known_types @ types; externals = List.rev found.externals }
