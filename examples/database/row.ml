(* Descriptions of rows: how an OCaml value is read from columns, and written to parameters. *)

open Driver

let refuse format = Printf.ksprintf (fun message -> raise (Failure.Failed (Conversion, message))) format

(* {1 What rows cross in}

   value.rs says how they are written. *)

type reader = { bytes : string; mutable at : int }

let reader bytes = { bytes; at = 0 }
let has_more { bytes; at } = at < String.length bytes

let skip reader count =
  let at = reader.at in
  reader.at <- at + count;
  at

(* What the next column is. *)
let tag reader = reader.bytes.[reader.at]
let null_ = '\000'
let bool_ = '\001'
let int_ = '\002'
let float_ = '\003'
let text_ = '\004'
let blob_ = '\005'

let columns reader = String.get_uint16_le reader.bytes (skip reader 2)
let next_int64 reader = String.get_int64_le reader.bytes (skip reader 9 + 1)

let next_bytes reader =
  let length = Int32.to_int (String.get_int32_le reader.bytes (reader.at + 1)) in
  String.sub reader.bytes (skip reader (5 + length) + 5) length

exception Another_type

let another_type () = raise_notrace Another_type

(* One column. *)
type 'a column = { name : string; write : 'a -> value; read : reader -> 'a }

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

let int =
  let read reader =
    if tag reader <> int_ then another_type ();
    let n = next_int64 reader in
    if Int64.equal (Int64.of_int (Int64.to_int n)) n then Int64.to_int n else another_type ()
  in
  column "int" (fun n -> Int n) read

let int64 =
  let narrow n = if Int64.of_int (Int64.to_int n) = n then Int (Int64.to_int n) else Int64 n in
  column "int64" narrow (fun reader -> if tag reader = int_ then next_int64 reader else another_type ())

(* SQLite has 0 and 1. *)
let bool =
  let read reader =
    let tag = tag reader in
    if tag = bool_ then reader.bytes.[skip reader 2 + 1] <> '\000'
    else if tag = int_ then match next_int64 reader with 0L -> false | 1L -> true | _ -> another_type ()
    else another_type ()
  in
  column "bool" (fun b -> Bool b) read

(* SQLite's sums may be an integer where a float is meant. *)
let float =
  let read reader =
    let tag = tag reader in
    if tag = float_ then Int64.float_of_bits (next_int64 reader)
    else if tag = int_ then Int64.to_float (next_int64 reader)
    else another_type ()
  in
  column "float" (fun x -> Float x) read

let bytes wanted reader = if tag reader = wanted then next_bytes reader else another_type ()
let string = column "string" (fun text -> Text text) (bytes text_)
let octets = column "octets" (fun bytes -> Blob bytes) (bytes blob_)

let option : type a. a t -> a option t = function
  | Column { name; write; read } ->
      let write = function None -> Null | Some value -> write value in
      let read reader =
        if tag reader = null_ then begin
          ignore (skip reader 1 : int);
          None
        end
        else Some (read reader)
      in
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

let kind tag = [| "NULL"; "a bool"; "an integer"; "a float"; "text"; "bytes" |].(Char.code tag)

(* [read row] is a function that reads the next row. It is made once for many of them; hence three fields at a time. *)
let read row =
  let rec read : type a. a t -> int -> reader -> a =
   fun row first ->
    match row with
    | Unit -> ignore
    | Column { name; read; _ } -> (
        fun reader ->
          let start = reader.at in
          try read reader
          with Another_type ->
            refuse "column %d is %s, not of type %s" (first + 1) (kind (tag { reader with at = start })) name)
    | Product (make, fields) ->
        let read = read_fields fields first in
        fun reader -> read make reader
  and read_fields : type a make. (a, make) fields -> int -> make -> reader -> a =
   fun fields first ->
    match fields with
    | End -> fun make _ -> make
    | Field (a, _, Field (b, _, Field (c, _, rest))) -> (
        let second = first + width a in
        let third = second + width b in
        let a = read a first and b = read b second and rest_of_c = third + width c and c = read c third in
        let three make reader =
          let a = a reader in
          let b = b reader in
          make a b (c reader)
        in
        match rest with
        | End -> three
        | Field _ ->
            let rest = read_fields rest rest_of_c in
            fun make reader -> rest (three make reader) reader)
    | Field (a, _, rest) ->
        let rest = read_fields rest (first + width a) and a = read a first in
        fun make reader -> rest (make (a reader)) reader
  in
  let read = read row 0 and width = width row in
  fun reader ->
    let columns = columns reader in
    if columns <> width then refuse "a row of %d columns, not of %d" columns width;
    read reader

(* [fold read f start bytes] is [f] of the value of each row. *)
let fold read f start bytes =
  let reader = { bytes; at = 0 } in
  let rec from sum = if has_more reader then from (f sum (read reader)) else sum in
  from start
