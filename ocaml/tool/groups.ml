open Description

(* Tarjan's algorithm, in the order of the keys. *)
let of_types types =
  let is_here key = List.exists (fun t -> t.key = key) types in
  let needs t = List.filter is_here (List.concat_map declared_keys (types_of_definition t.definition)) in
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
