(* serde's bincode: numbers of fixed size, little-endian; lengths before what they count; nothing describes itself. *)

open Input

let read_record _ = ()
let read_int64 input = String.get_int64_le input.text (skip input 8)
let read_int input = Int64.to_int (read_int64 input)
let read_int32 input = String.get_int32_le input.text (skip input 4)
let read_length = read_int
let read_bool input = byte input <> 0
let read_some = read_bool

let read_bytes input =
  let length = read_length input in
  take input length

let write_record _ _ = ()
let write_int64 = Buffer.add_int64_le
let write_int output n = Buffer.add_int64_le output (Int64.of_int n)
let write_int32 = Buffer.add_int32_le
let write_length = write_int
let write_bool output b = Buffer.add_uint8 output (Bool.to_int b)
let write_some = write_bool

let write_bytes output bytes =
  write_length output (String.length bytes);
  Buffer.add_string output bytes
