(** An HTTP/1.1 server: hyper, on Tokio, whose handler is a Lwt function. *)

type body =
  | Empty
  | String of string
  | Stream of string Lwt_stream.t  (** Chunk by chunk. *)

val whole : body -> string Lwt.t
(** [whole body] is all of it. *)

type request = {
  meth : string;  (** ["GET"] *)
  target : string;  (** The path, and what follows it: ["/search?q=lwt"]. *)
  headers : Headers.t;
  body : body;
}

type response = { status : int; headers : (string * string) list; body : body }

type config = {
  address : string;  (** An IP address, of version 4 or 6. *)
  port : int;  (** 0: the system chooses one. *)
  max_header : int;  (** How many bytes a request's line and headers may have; more is answered with 431. *)
  max_body : int;  (** How many bytes a request's body may have; more is answered with 413. *)
  header_timeout : float;  (** How many seconds a client may take to send a request's headers. *)
  grace : float;  (** How many seconds requests have to end, once the server is to stop. *)
}

val default : config
(** 127.0.0.1:8080, 16 KiB, 16 MiB, 30 s, 10 s. *)

val serve :
  stop:unit Lwt.t -> listening:(int -> unit Lwt.t) -> config -> (request -> response Lwt.t) -> unit Lwt.t
(** [serve ~stop ~listening config handler] calls [listening port] once clients can connect, and [handler] for each
    request. When [stop] is settled, it accepts no more connections, lets the requests that run end, and is fulfilled.

    The promise of a handler is cancelled when its client has gone. A handler that fails is answered with 500, and its
    exception goes to stderr. *)

val thread : unit -> string Lwt.t
(** [thread ()] is a Rust function that a handler may call: the name of the thread that Tokio runs its work on. *)

val panic : unit -> string Lwt.t
(** [panic ()] is a Rust function that panics, which a handler may call. *)
