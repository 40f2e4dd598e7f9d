(* What src/lib.rs exports, and the types that cross. *)

open Lwt.Syntax

type body =
  | Empty
  | String of string
  | Stream of string Lwt_stream.t

let whole = function
  | Empty -> Lwt.return ""
  | String string -> Lwt.return string
  | Stream stream ->
      let all = Buffer.create 65536 in
      let+ () = Lwt_stream.iter (Buffer.add_string all) stream in
      Buffer.contents all

type request = { meth : string; target : string; headers : Headers.t; body : body }
type response = { status : int; headers : (string * string) list; body : body }

type config = {
  address : string;
  port : int;
  max_header : int;
  max_body : int;
  header_timeout : float;
  grace : float;
}

let default =
  {
    address = "127.0.0.1";
    port = 8080;
    max_header = 16 lsl 10;
    max_body = 16 lsl 20;
    header_timeout = 30.;
    grace = 10.;
  }

external serve : config -> (int -> unit Lwt.t) -> unit Lwt.t -> (request -> response Lwt.t) -> unit Lwt.t
  = "server__server_serve"

let serve ~stop ~listening config handler =
  (* Rust's own main function does so, and its libraries count on it: a client that has gone is an error, not the end. *)
  Sys.set_signal Sys.sigpipe Signal_ignore;
  serve config listening stop handler

external thread : unit -> string Lwt.t = "server__server_thread"
external panic : unit -> string Lwt.t = "server__server_panic"
