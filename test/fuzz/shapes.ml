(* Values of any shape, read as types that they are not of. Nothing is corrupted: what is read is what was there. *)

open Rust_half
open Rust_half.Shapes

exception Holds of Obj.t

let random state =
  let int n = Random.State.int state n in
  let rec graph depth =
    match int (if depth = 0 then 8 else 14) with
    | 0 | 1 -> Obj.repr (int 5 - 1)
    | 2 -> Obj.repr (Random.State.bits state * (1 lsl 32))
    | 3 -> Obj.repr (float (int 3))
    | 4 -> Obj.repr (String.init (int 9) (fun _ -> Char.chr (int 256)))
    | 5 -> Obj.repr (String.make (int 5) 'a')
    | 6 -> (
        match int 5 with
        | 0 -> Obj.repr (Int64.of_int (int 1000))
        | 1 -> Obj.repr (Int32.of_int (int 1000))
        | 2 -> Obj.repr (Nativeint.of_int (int 1000))
        | 3 -> Obj.repr (Lwt_bytes.create 3)
        | _ -> Obj.repr (Thing.make ()))
    | 7 -> (
        match int 5 with
        | 0 -> Obj.repr (fun x -> x + depth)
        | 1 -> Obj.repr (ref 1)
        | 2 -> Obj.repr (Array.init (int 4) float)
        | 3 -> Obj.repr (lazy (depth + 1))
        | _ -> Obj.repr [||])
    | 8 | 9 ->
        let size = 1 + int 4 in
        let block = Obj.new_block (int 6) size in
        for i = 0 to size - 1 do
          Obj.set_field block i (graph (depth - 1))
        done;
        block
    | 10 -> Obj.repr (List.init (int 5) (fun _ -> graph (depth - 1)))
    | 11 -> Obj.repr (List.init (int 5) (fun i -> i))
    | 12 -> Obj.repr (Some (graph (depth - 1)))
    | _ -> Obj.repr (Generate.value { Generate.random = state; number = 0; budget = 0 })
  in
  graph (int 4)

(* The same, as far as both are data. *)
let rec same a b =
  a == b
  || Obj.is_block a && Obj.is_block b
     && Obj.tag a = Obj.tag b
     && Obj.size a = Obj.size b
     &&
     if Obj.tag a = Obj.custom_tag || Obj.tag a = Obj.string_tag || Obj.tag a = Obj.double_tag || Obj.tag a = Obj.double_array_tag
     then compare a b = 0
     else Obj.tag a < Obj.no_scan_tag && List.for_all (fun i -> same (Obj.field a i) (Obj.field b i)) (List.init (Obj.size a) Fun.id)

let try_as name read value =
  match read (fun () -> raise (Holds value)) with
  | Refused -> Table.met ("exception.argument: " ^ name) "refused"
  | Panicked -> Table.met ("exception.argument: " ^ name) "panic"
  | Same again ->
      Table.met ("exception.argument: " ^ name) "value";
      if not (same value (Obj.repr again)) then Perform.problem "a value of another shape was read as %s" name
  (* On the way back: no array of OCaml's has floats beside others. *)
  | exception Rust_async.Rust_panic _ -> Table.met ("exception.argument: " ^ name) "panic"

let one seed =
  let state = Random.State.make [| seed; 0x5A9E |] in
  for _ = 1 to 20 do
    let value = random state in
    try_as "unit" shape_unit value; try_as "int" shape_int value; try_as "byte" shape_byte value; try_as "bool" shape_bool value;
    try_as "float" shape_float value; try_as "int32" shape_int32 value; try_as "int64" shape_int64 value;
    try_as "nativeint" shape_nativeint value; try_as "string" shape_string value; try_as "bytes" shape_bytes value;
    try_as "four bytes" shape_four_bytes value; try_as "option" shape_option value; try_as "options" shape_options value;
    try_as "result" shape_result value; try_as "pair" shape_pair value; try_as "floats" shape_floats value;
    try_as "int array" shape_ints value; try_as "float array" shape_float_array value; try_as "string array" shape_strings value;
    try_as "list" shape_list value; try_as "lists" shape_lists value; try_as "linked list" shape_linked_list value;
    try_as "map" shape_map value; try_as "any" shape_any value; try_as "array of any" shape_anys value;
    try_as "variant" shape_value value; try_as "plan of Rust's" shape_in_rust value; try_as "plan of OCaml's" shape_in_ocaml value;
    try_as "kind" shape_kind value; try_as "record" shape_items value
  done
[@@ocamlformat "disable"]
