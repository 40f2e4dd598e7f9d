(** HTTP and HTTPS, with Rust's reqwest and rustls. README.md has an example. *)

(** {1 What goes wrong} *)

type kind = Driver.kind =
  | Connect  (** The server is not there, was gone before it answered, or does not speak HTTP. *)
  | Timeout  (** It took too long. *)
  | Status of int  (** The server has answered with a status that is no success. *)
  | Tls  (** The server's certificate is not to be trusted, or it does not speak TLS. *)
  | Body  (** A body has broken off. *)
  | Request  (** There is no such request: a URL that is none, a header with a line break. *)

exception Failed of kind * string
(** All promises of this library are rejected with it, or with what a function or a stream raised that was given to it. *)

(** {1 Requests} *)

type client
(** Keeps connections for the next request. *)

val client : ?connect_timeout:float -> ?certificates:string list -> unit -> client
(** [client ()] gives up a connection that is not there within [connect_timeout] seconds (default: 10). It trusts the system's
    certificates, or those in [certificates] only, in PEM.

    @raise Failed with [Request] for certificates that are none, and where the system has none. *)

type meth = Driver.meth = Get | Head | Put | Delete | Post

type response = {
  status : int;
  headers : (string * string) list;
  length : int option;  (** How long the body is, if the server says so. *)
  body : string Lwt_stream.t;  (** Chunks, as they come. Who reads slowly stops the server. *)
}

(** What is sent. Each try takes a new stream, and closes it in the end. *)
type body

val of_string : string -> body

val of_file : string -> body
(** Read when there is room for it. *)

val of_stream : ?close:(unit -> unit Lwt.t) -> (unit -> string Lwt_stream.t) -> body
(** An exception of the stream is that of the request. *)

type retry = { tries : int; pause : float }

val retry : retry
(** 5 tries at most, with a pause of 0.2 seconds, which doubles. *)

val once : retry

val call :
  ?meth:meth ->
  ?headers:(string * string) list ->
  ?body:body ->
  ?timeout:float ->
  ?retry:retry ->
  client ->
  string ->
  (response -> 'a Lwt.t) ->
  'a Lwt.t
(** [call client url f] is [f] of the response. The body is closed when [f]'s promise is settled: also the connection, if the body was
    not read to its end. Statuses other than 200 to 299 are {!Failed}.

    {b Tries.} Each has [timeout] seconds (default: no limit) up to the last byte of the body. What is idempotent, every method but
    [Post], is tried again after [Connect], [Timeout], [Body], and [Status] 408, 425, 429, 500, 502, 503 and 504. So [f] may
    be called several times, and begins anew each time. Between two tries is a pause: [pause], twice that, four times …; each
    is shortened by up to a half, at random, so that many clients do not come back together.

    When the promise is cancelled, the connection is closed. *)

(** {1 To and from channels} *)

val write_to : ?progress:(int -> unit) -> Lwt_io.output_channel -> response -> unit Lwt.t
(** Writes the body, no faster than the channel takes it. [progress] is told how many bytes were written. *)

val read : response -> string Lwt.t
(** The whole body. *)

val of_channel : Lwt_io.input_channel -> string Lwt_stream.t
(** What is read of it, up to its end. *)

val save : ?progress:(got:int -> length:int option -> unit) -> ?timeout:float -> ?retry:retry -> client -> string -> string -> unit Lwt.t
(** [save client url path] downloads into [path ^ ".part"], which becomes [path] when all of it is there. If it fails or is cancelled, there is
    neither. *)
