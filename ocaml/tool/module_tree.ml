open Description

type t = { object_ : declared option; inside_exceptions : exception_ list; inside : func list; modules : (string * t) list }

let empty = { object_ = None; inside_exceptions = []; inside = []; modules = [] }

(* [add] puts something into the tree at the end of the path. *)
let rec insert add tree path =
  match path with
  | [] -> add tree
  | first :: rest ->
      let inner = Option.value ~default:empty (List.assoc_opt first tree.modules) in
      let inner = insert add inner rest in
      let modules =
        if List.mem_assoc first tree.modules then
          List.map (fun (name, old) -> (name, if name = first then inner else old)) tree.modules
        else tree.modules @ [ (first, inner) ]
      in
      { tree with modules }
