(* Descriptions of rows: how an OCaml value is read from columns, and written to parameters. *)

open Driver

let refuse format = Printf.ksprintf (fun message -> raise (Failure.Failed (Conversion, message))) format

(* One column. *)
type 'a column = { name : string; write : 'a -> value; read : value -> 'a option }

type _ t =
  | Unit : unit t
  | Column : 'a column -> 'a t
  | Product : 'make * ('a, 'make) fields -> 'a t  (** A function that makes the value of its fields. *)

and (_, _) fields =
  | End : ('a, 'a) fields
  | Field : 'b t * ('a -> 'b) * ('a, 'make) fields -> ('a, 'b -> 'make) fields

(* {1 Descriptions} *)

let unit = Unit
let column name write read = Column { name; write; read }
let int = column "int" (fun n -> Int n) (function Int n -> Some n | _ -> None)

let int64 =
  let narrow n = if Int64.of_int (Int64.to_int n) = n then Int (Int64.to_int n) else Int64 n in
  column "int64" narrow (function Int n -> Some (Int64.of_int n) | Int64 n -> Some n | _ -> None)

let bool =
  let read = function Bool b -> Some b | Int 0 -> Some false | Int 1 -> Some true | _ -> None in
  column "bool" (fun b -> Bool b) read

(* SQLite's sums may be an integer where a float is meant. *)
let float = column "float" (fun x -> Float x) (function Float x -> Some x | Int n -> Some (float_of_int n) | _ -> None)
let string = column "string" (fun text -> Text text) (function Text text -> Some text | _ -> None)
let octets = column "octets" (fun bytes -> Blob bytes) (function Blob bytes -> Some bytes | _ -> None)

let option : type a. a t -> a option t = function
  | Column { name; write; read } ->
      let write = function None -> Null | Some value -> write value in
      let read = function Null -> Some None | value -> Option.map Option.some (read value) in
      column (name ^ " option") write read
  | Unit | Product _ -> invalid_arg "Rust_db.Row.option: of one column only"

let product make fields = Product (make, fields)
let proj row get fields = Field (row, get, fields)
let proj_end = End
let t2 a b = product (fun a b -> (a, b)) @@ proj a fst @@ proj b snd @@ proj_end

let t3 a b c =
  product (fun a b c -> (a, b, c))
  @@ proj a (fun (a, _, _) -> a)
  @@ proj b (fun (_, b, _) -> b)
  @@ proj c (fun (_, _, c) -> c)
  @@ proj_end

(* {1 What they are for} *)

let rec width : type a. a t -> int = function
  | Unit -> 0
  | Column _ -> 1
  | Product (_, fields) -> width_of_fields fields

and width_of_fields : type a make. (a, make) fields -> int = function
  | End -> 0
  | Field (row, _, fields) -> width row + width_of_fields fields

(* [write row value] is the parameters. *)
let write row value =
  let rec write : type a. a t -> a -> value list -> value list =
   fun row value rest ->
    match row with
    | Unit -> rest
    | Column column -> column.write value :: rest
    | Product (_, fields) -> write_fields fields value rest
  and write_fields : type a make. (a, make) fields -> a -> value list -> value list =
   fun fields value rest ->
    match fields with
    | End -> rest
    | Field (row, get, fields) -> write row (get value) (write_fields fields value rest)
  in
  Array.of_list (write row value [])

let kind = function
  | Null -> "NULL"
  | Bool _ -> "a bool"
  | Int _ -> "an integer"
  | Int64 _ -> "an integer of 64 bits"
  | Float _ -> "a float"
  | Text _ -> "text"
  | Blob _ -> "bytes"

(* [read row columns] is the value of a row. *)
let read row columns =
  let rec read : type a. a t -> int -> a =
   fun row first ->
    match row with
    | Unit -> ()
    | Column { name; read; _ } -> (
        match read columns.(first) with
        | Some value -> value
        | None -> refuse "column %d is %s, not of type %s" (first + 1) (kind columns.(first)) name)
    | Product (make, fields) -> read_fields make fields first
  and read_fields : type a make. make -> (a, make) fields -> int -> a =
   fun make fields first ->
    match fields with
    | End -> make
    | Field (row, _, fields) -> read_fields (make (read row first)) fields (first + width row)
  in
  if Array.length columns <> width row then
    refuse "a row of %d columns, not of %d" (Array.length columns) (width row);
  read row 0
