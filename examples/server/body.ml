open Lwt.Syntax

type t = string Lwt_stream.t Server.body

let whole : t -> string Lwt.t = function
  | Empty -> Lwt.return ""
  | String string -> Lwt.return string
  | Stream stream ->
      let all = Buffer.create 65536 in
      let+ () = Lwt_stream.iter (Buffer.add_string all) stream in
      Buffer.contents all
