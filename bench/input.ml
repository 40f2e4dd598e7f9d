(* What a decoder reads. *)

type t = { text : string; mutable at : int }

(** Steps over so many bytes, and gives where they begin. *)
let skip input length =
  let at = input.at in
  input.at <- at + length;
  at

let take input length = String.sub input.text (skip input length) length
let byte input = String.get_uint8 input.text (skip input 1)
