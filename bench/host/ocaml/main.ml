(* [message.ml] and [message.rs] are the same types, as they are in the other benchmark. *)
let apply (block : Bench_host.block) : Bench_host.applied = Obj.magic (Message.apply (Obj.magic block))
let on_bincode block = Bincode_codec.(encode (Message.apply (decode block)))
let on_messagepack block = Messagepack_codec.(encode (Message.apply (decode block)))

let () =
  Bench_host.Chain.provide
    {
      empty = Lwt.return;
      direct = (fun block -> Lwt.return (apply block));
      bincode = (fun block -> Lwt.return (on_bincode block));
      messagepack = (fun block -> Lwt.return (on_messagepack block));
      functions = (fun () -> (apply, on_bincode));
    }
