(* Smaller cases than one that fails: each has less of it, and follows the rules. *)

open Rust_half
open Rules

let without items = List.mapi (fun i _ -> List.filteri (fun j _ -> j <> i) items) items
let replaced items i item = List.mapi (fun j old -> if j = i then item else old) items

(* One of the parts is smaller. *)
let one_of f items = List.concat (List.mapi (fun i item -> List.map (replaced items i) (f item)) items)
let lists f items = without items @ one_of f items
let arrays f nodes = List.map Array.of_list (lists f (Array.to_list nodes))
let same_length f nodes = List.map Array.of_list (one_of f (Array.to_list nodes))
let less n = if n = 0 then [] else List.sort_uniq compare [ 0; n / 2; n - 1 ]

let value v = match v with Nothing | Int _ -> [] | _ -> [ Nothing; Int 7 ]

let rec rust node =
  let parts =
    match node with
    | Then nodes | Recover nodes | Finally nodes | Task (_, _, nodes) | Select nodes | Timeout (_, nodes) -> Array.to_list nodes
    | Ocaml (_, nodes) -> List.concat_map inner_rust (Array.to_list nodes)
    | ReadLwt { lwt_before; lwt_end; _ } -> List.concat_map inner_rust (Array.to_list lwt_before @ Array.to_list lwt_end)
    | _ -> []
  in
  let simpler =
    match node with
    | Give v -> List.map (fun v -> Give v) (value v)
    | Fail _ | Declared _ | Panic _ | Stall -> [ Give Nothing ]
    | Yields n -> Give Nothing :: List.map (fun n -> Yields n) (less n)
    | Timer n -> Give Nothing :: Yields 1 :: List.map (fun n -> Timer n) (less n)
    | Then nodes -> List.map (fun nodes -> Then nodes) (arrays rust nodes)
    | Recover nodes -> List.map (fun nodes -> Recover nodes) (same_length rust nodes)
    | Task (p, j, nodes) ->
        List.map (fun nodes -> Task (p, j, nodes)) (same_length rust nodes)
        @ (if p <> AtHome then [ Task (AtHome, j, nodes) ] else [])
    | Finally nodes -> List.map (fun nodes -> Finally nodes) (same_length rust nodes)
    | Select nodes -> List.map (fun nodes -> Select nodes) (arrays rust nodes)
    | Timeout (n, nodes) ->
        List.map (fun nodes -> Timeout (n, nodes)) (same_length rust nodes) @ List.map (fun n -> Timeout (n, nodes)) (less n)
    | Ocaml (w, nodes) ->
        List.map (fun nodes -> Ocaml (w, nodes)) (same_length ocaml nodes)
        @ List.filter_map (fun simple -> if w > simple then Some (Ocaml (simple, nodes)) else None) [ Function; CallAsync; Interface ]
    | ReadLwt items ->
        List.map (fun n -> ReadLwt { items with lwt_items = n }) (less items.lwt_items)
        @ List.map (fun lwt_before -> ReadLwt { items with lwt_before }) (same_length ocaml items.lwt_before)
        @ List.map (fun lwt_end -> ReadLwt { items with lwt_end }) (same_length ocaml items.lwt_end)
        @ (if items.by_interface then [ ReadLwt { items with by_interface = false } ] else [])
        @ if items.rust_reader <> ToTheEnd then [ ReadLwt { items with rust_reader = ToTheEnd } ] else []
  in
  parts @ simpler

(* The nearest nodes of Rust's inside of one of OCaml's, and the other way round. *)
and inner_rust node =
  match node with
  | CallRust (_, nodes) -> Array.to_list nodes
  | ReadRust { rust_before; rust_end; _ } -> Array.to_list rust_before @ Array.to_list rust_end
  | _ -> List.concat_map inner_rust (parts_of_ocaml node)

and inner_ocaml node =
  match node with
  | Ocaml (_, nodes) -> Array.to_list nodes
  | ReadLwt { lwt_before; lwt_end; _ } -> Array.to_list lwt_before @ Array.to_list lwt_end
  | Then nodes | Recover nodes | Finally nodes | Task (_, _, nodes) | Select nodes | Timeout (_, nodes) ->
      List.concat_map inner_ocaml (Array.to_list nodes)
  | _ -> []

and parts_of_ocaml node =
  match node with
  | Bind nodes | Catch nodes | Pick nodes | Both nodes | Protected nodes | NoCancel nodes | Job nodes -> Array.to_list nodes
  | WithValue (_, nodes) | CancelAfter (_, nodes) | WithTimeout (_, nodes) -> Array.to_list nodes
  | CallRust (_, nodes) -> List.concat_map inner_ocaml (Array.to_list nodes)
  | ReadRust { rust_before; rust_end; _ } -> List.concat_map inner_ocaml (Array.to_list rust_before @ Array.to_list rust_end)
  | _ -> []

and ocaml node =
  let simpler =
    match node with
    | Return v -> List.map (fun v -> Return v) (value v)
    | Raise _ | WaitForEver | Fair _ | Collect _ -> [ Return Nothing ]
    | Pause n -> Return Nothing :: List.map (fun n -> Pause n) (less n)
    | Sleep n -> Return Nothing :: Pause 1 :: List.map (fun n -> Sleep n) (less n)
    | Backtrace n -> Return Nothing :: List.map (fun n -> Backtrace n) (less n)
    | Owned n -> Return Nothing :: List.map (fun n -> Owned n) (less n)
    | Bind nodes -> List.map (fun nodes -> Bind nodes) (arrays ocaml nodes)
    | Pick nodes -> List.map (fun nodes -> Pick nodes) (arrays ocaml nodes)
    | Both nodes -> List.map (fun nodes -> Both nodes) (arrays ocaml nodes)
    | Catch nodes -> List.map (fun nodes -> Catch nodes) (same_length ocaml nodes)
    | Protected nodes -> List.map (fun nodes -> Protected nodes) (same_length ocaml nodes)
    | NoCancel nodes -> List.map (fun nodes -> NoCancel nodes) (same_length ocaml nodes)
    | Job nodes -> List.map (fun nodes -> Job nodes) (same_length ocaml nodes)
    | WithValue (n, nodes) -> List.map (fun nodes -> WithValue (n, nodes)) (same_length ocaml nodes)
    | CancelAfter (n, nodes) ->
        List.map (fun nodes -> CancelAfter (n, nodes)) (same_length ocaml nodes) @ List.map (fun n -> CancelAfter (n, nodes)) (less n)
    | WithTimeout (n, nodes) ->
        List.map (fun nodes -> WithTimeout (n, nodes)) (same_length ocaml nodes) @ List.map (fun n -> WithTimeout (n, nodes)) (less n)
    | CallRust (k, nodes) ->
        List.map (fun nodes -> CallRust (k, nodes)) (same_length rust nodes)
        @ if k <> Func then [ CallRust (Func, nodes) ] else []
    | ReadRust items ->
        List.map (fun n -> ReadRust { items with rust_items = n }) (less items.rust_items)
        @ List.map (fun rust_before -> ReadRust { items with rust_before }) (same_length rust items.rust_before)
        @ List.map (fun rust_end -> ReadRust { items with rust_end }) (same_length rust items.rust_end)
        @ (if items.hesitates then [ ReadRust { items with hesitates = false } ] else [])
        @ if items.ocaml_reader <> ToTheEnd then [ ReadRust { items with ocaml_reader = ToTheEnd } ] else []
  in
  parts_of_ocaml node @ simpler

let call { caller; patience } =
  (if patience <> Waits then [ { caller; patience = Waits } ] else [])
  @ (match patience with
    | WaitsFor n -> List.map (fun n -> { caller; patience = WaitsFor n }) (less n)
    | DropsAfter n -> List.map (fun n -> { caller; patience = DropsAfter n }) (less n)
    | Waits -> [])
  @ if caller <> FromMain then [ { caller = FromMain; patience } ] else []

let hosted h =
  (if h.begins <> Starts then [ { h with begins = Starts } ] else [])
  @ (if h.one_thread then [ { h with one_thread = false } ] else [])
  @ (match h.ends with
    | ShutsDown from when from <> FromMain -> [ { h with ends = ShutsDown FromMain } ]
    | OcamlExits place when place <> InAPromise -> [ { h with ends = OcamlExits InAPromise } ]
    | _ -> [])
  @ List.map (fun after -> { h with after }) (less h.after)
  @ List.map (fun calls -> { h with calls }) (arrays call h.calls)

let last = function
  | Returns -> []
  | Exits n -> List.map (fun n -> Exits n) (less n)
  | Shuts_down n -> List.map (fun n -> Shuts_down n) (less n)
  | Forks n -> List.map (fun n -> Forks n) (less n)
  | Alarms n -> List.map (fun n -> Alarms n) (less n)
  | Hosts h -> List.map (fun h -> Hosts h) (hosted h)

let case { programs; last = l } =
  let fewer = List.map (fun programs -> { programs; last = l }) (lists ocaml programs) in
  let simpler = List.map (fun last -> { programs; last }) (last l) in
  List.filter Rules.case (fewer @ simpler)
[@@ocamlformat "disable"]
