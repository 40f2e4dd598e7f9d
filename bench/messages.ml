(* Rust sends OCaml a block and gets an answer like it. *)

open Case

external direct : (Message.block -> Message.applied Lwt.t) -> int -> unit Lwt.t = "bench__bench_message_direct"
external bincode : (string -> string Lwt.t) -> int -> unit Lwt.t = "bench__bench_message_bincode"
external messagepack : (string -> string Lwt.t) -> int -> unit Lwt.t = "bench__bench_message_messagepack"

let apply block = Lwt.return (Message.apply block)
let apply_bincode block = Lwt.return Bincode_codec.(encode (Message.apply (decode block)))
let apply_messagepack block = Lwt.return Messagepack_codec.(encode (Message.apply (decode block)))

let all =
  [
    case "message/bincode" "a block of 50 operations and its receipt, as bytes (bincode)"
      (repeated_by_rust (bincode apply_bincode));
    case "message/messagepack" "the same, as bytes (MessagePack)" (repeated_by_rust (messagepack apply_messagepack));
    case "message/direct" "the same, converted directly" ~baseline:"message/bincode" ~bound:(Times 0.5)
      (repeated_by_rust (direct apply));
  ]
