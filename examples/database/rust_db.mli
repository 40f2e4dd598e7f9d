(** SQLite and PostgreSQL, with Rust's drivers. Who knows caqti will feel at home. README.md has an example. *)

(** {1 What goes wrong} *)

type kind = Driver.kind =
  | Constraint  (** The data are not as the tables want them: two of what is unique, a check that fails. *)
  | Serialization  (** Another transaction was in the way: run it again. *)
  | Connection  (** The server is not there, or not there any more. *)
  | Timeout  (** All connections of the pool were in use, or the database was locked, for too long. *)
  | Conversion  (** A value is not of the type that is wanted. *)
  | Other  (** An error in the SQL, say. *)

exception Failed of kind * string
(** All promises of this library are rejected with it, or with what a function raised that was given to it. *)

(** {1 Rows and requests} *)

(** What is in a row, and in the parameters of a statement. *)
module Row : sig
  type 'a t

  val unit : unit t
  val bool : bool t
  val int : int t
  val int64 : int64 t
  val float : float t

  val string : string t
  (** Text, in UTF-8. *)

  val octets : string t
  (** Any bytes. *)

  val option : 'a t -> 'a option t
  (** Of one column, which may be [NULL]. *)

  val t2 : 'a t -> 'b t -> ('a * 'b) t
  val t3 : 'a t -> 'b t -> 'c t -> ('a * 'b * 'c) t

  type ('a, 'make) fields

  val product : 'make -> ('a, 'make) fields -> 'a t
  (** A record: a function that makes it, and its fields in the order of the columns. *)

  val proj : 'b t -> ('a -> 'b) -> ('a, 'make) fields -> ('a, 'b -> 'make) fields
  val proj_end : ('a, 'a) fields
end

(** A statement: SQL, with [$1], [$2] … for its parameters, their type, and that of its rows. The text is a constant of the
    program: parameters never get into it. *)
module Request : sig
  type ('parameters, 'row, 'many) t
  (** ['many] is how many rows there are. *)

  val ( ->. ) : 'p Row.t -> unit Row.t -> string -> ('p, unit, [ `Zero ]) t
  val ( ->! ) : 'p Row.t -> 'r Row.t -> string -> ('p, 'r, [ `One ]) t
  val ( ->? ) : 'p Row.t -> 'r Row.t -> string -> ('p, 'r, [ `Zero | `One ]) t
  val ( ->* ) : 'p Row.t -> 'r Row.t -> string -> ('p, 'r, [ `Zero | `One | `Many ]) t
end

(** {1 Statements}

    A statement whose promise is cancelled is cancelled in the database, too. If PostgreSQL has to be asked for that, its connection is
    not used again: a cancellation that comes late would meet the next statement. *)

type connection
(** For as long as the function runs to which it was given. Its statements run one after the other. *)

val exec : connection -> ('p, unit, [ `Zero ]) Request.t -> 'p -> unit Lwt.t

val affect : connection -> ('p, unit, [ `Zero ]) Request.t -> 'p -> int Lwt.t
(** How many rows it has changed. *)

val find : connection -> ('p, 'r, [ `One ]) Request.t -> 'p -> 'r Lwt.t
(** The one row, or {!Failed} with [Conversion]. *)

val find_opt : connection -> ('p, 'r, [< `Zero | `One ]) Request.t -> 'p -> 'r option Lwt.t
val collect_list : connection -> ('p, 'r, [< `Zero | `One | `Many ]) Request.t -> 'p -> 'r list Lwt.t

(** {2 Streams of rows}

    However many there are, a few hundred are in memory: who reads slowly stops the database. *)

val fold : connection -> ('p, 'r, [< `Zero | `One | `Many ]) Request.t -> 'p -> ('a -> 'r -> 'a) -> 'a -> 'a Lwt.t
val iter_s : connection -> ('p, 'r, [< `Zero | `One | `Many ]) Request.t -> 'p -> ('r -> unit Lwt.t) -> unit Lwt.t

(** {2 PostgreSQL's [COPY]} *)

val copy_in : connection -> string -> Lwt_bytes.t Lwt_stream.t -> int Lwt.t
(** [copy_in db "COPY account FROM STDIN" chunks] is how many rows have come. The chunks may be cut anywhere. They are not copied (but
    for small ones, which are sent together): the server is sent OCaml's own memory. Each has the length 0 until it was sent. *)

val copy_out : connection -> string -> (Lwt_bytes.t -> unit Lwt.t) -> unit Lwt.t
(** [copy_out db "COPY account TO STDOUT" write] is [write] of one chunk after the other, each whole lines. *)

(** {1 Pools} *)

module Pool : sig
  type t

  val create : ?size:int -> ?wait:float -> string -> t
  (** [create url] is connections to [sqlite:PATH] or [postgres://USER@HOST/DATABASE], [size] at most (default: 5). They are opened
      when they are needed. ([sqlite::memory:] is a database of its own for each connection: take [~size:1].) Who needs one while all are in use waits for [wait] seconds (default: 30), and then gets {!Failed} with
      [Timeout].

      @raise Failed for another URL. *)

  val use : t -> (connection -> 'a Lwt.t) -> 'a Lwt.t
  (** [use pool f] is [f] of a connection. Each statement is a transaction of its own. *)

  val transaction : t -> (connection -> 'a Lwt.t) -> 'a Lwt.t
  (** [transaction pool f] is [f] of a connection, in a serialisable transaction: as if it were the only one. It is committed when
      [f]'s promise is fulfilled. It is rolled back when that is rejected, when a statement in it has failed, also if [f] did not
      mind, and when the promise of [transaction] itself is cancelled.

      {!Failed} with [Serialization] says that another one was in the way: see {!retry}. *)

  val retry : ?attempts:int -> t -> (connection -> 'a Lwt.t) -> 'a Lwt.t
  (** [retry pool f] is {!transaction}, again when it was in another's way: [attempts] times at most (default: 20). *)

  val listen : t -> string -> (string Lwt_stream.t -> 'a Lwt.t) -> 'a Lwt.t
  (** [listen pool channel f] is [f] of the payloads of PostgreSQL's notifications, on a connection of its own. *)

  val status : t -> int * int
  (** How many connections are open, and how many of them nobody uses. *)

  val idle : t -> unit Lwt.t
  (** Fulfilled when no connection is in use. A promise that is cancelled is so at once, and rolling back takes a moment longer: who ends
      the program waits for this first, or a server may go on with a statement that nobody wants. *)

  val close : t -> unit
  (** Connections that are in use go when they are not any more. *)
end

(** {1 For tests} *)

val panic : unit -> 'a Lwt.t
(** A Rust function that panics. *)
