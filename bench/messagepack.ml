(* MessagePack, as rmp-serde writes it: numbers are as short as they can be, a first byte says what comes, and records
   are arrays of their fields. *)

open Input

let invalid what byte = failwith (Printf.sprintf "MessagePack: 0x%02x is no %s" byte what)

let read_length input =
  match byte input with
  | n when n land 0xf0 = 0x90 -> n land 0x0f
  | 0xdc -> String.get_uint16_be input.text (skip input 2)
  | 0xdd -> Int32.to_int (String.get_int32_be input.text (skip input 4))
  | n -> invalid "array" n

let read_record input = ignore (read_length input : int)

let read_int input =
  match byte input with
  | n when n < 0x80 -> n
  | n when n >= 0xe0 -> n - 0x100
  | 0xcc -> byte input
  | 0xcd -> String.get_uint16_be input.text (skip input 2)
  | 0xce -> Int32.to_int (String.get_int32_be input.text (skip input 4)) land 0xffff_ffff
  | 0xcf | 0xd3 -> Int64.to_int (String.get_int64_be input.text (skip input 8))
  | 0xd0 -> String.get_int8 input.text (skip input 1)
  | 0xd1 -> String.get_int16_be input.text (skip input 2)
  | 0xd2 -> Int32.to_int (String.get_int32_be input.text (skip input 4))
  | n -> invalid "number" n

let read_int32 input = Int32.of_int (read_int input)
let read_int64 input = Int64.of_int (read_int input)
let read_bool input = match byte input with 0xc2 -> false | 0xc3 -> true | n -> invalid "boolean" n

let read_bytes input =
  match byte input with
  | 0xc4 ->
      let length = byte input in
      take input length
  | 0xc5 ->
      let length = String.get_uint16_be input.text (skip input 2) in
      take input length
  | 0xc6 ->
      let length = Int32.to_int (String.get_int32_be input.text (skip input 4)) in
      take input length
  | n -> invalid "byte string" n

(* [None] is nil; [Some] is nothing but what is in it. *)
let read_some input =
  if String.get_uint8 input.text input.at = 0xc0 then begin
    input.at <- input.at + 1;
    false
  end
  else true

let write_length output n =
  if n < 16 then Buffer.add_uint8 output (0x90 lor n)
  else if n < 0x1_0000 then begin
    Buffer.add_uint8 output 0xdc;
    Buffer.add_uint16_be output n
  end
  else begin
    Buffer.add_uint8 output 0xdd;
    Buffer.add_int32_be output (Int32.of_int n)
  end

let write_record = write_length

let write_int output n =
  if n >= 0 && n < 0x80 then Buffer.add_uint8 output n
  else if n >= 0 && n < 0x1_0000 then begin
    Buffer.add_uint8 output 0xcd;
    Buffer.add_uint16_be output n
  end
  else begin
    Buffer.add_uint8 output 0xd3;
    Buffer.add_int64_be output (Int64.of_int n)
  end

let write_int32 output n = write_int output (Int32.to_int n)
let write_int64 output n = write_int output (Int64.to_int n)
let write_bool output b = Buffer.add_uint8 output (if b then 0xc3 else 0xc2)

let write_bytes output bytes =
  let length = String.length bytes in
  if length < 0x100 then begin
    Buffer.add_uint8 output 0xc4;
    Buffer.add_uint8 output length
  end
  else begin
    Buffer.add_uint8 output 0xc6;
    Buffer.add_int32_be output (Int32.of_int length)
  end;
  Buffer.add_string output bytes

let write_some output some = if not some then Buffer.add_uint8 output 0xc0
