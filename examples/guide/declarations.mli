(* Made from Rust by rust-async. *)

(** How the other side is spoken to. *)
type scheme =
  | Http
  | Https

(** Where a link leads. *)
type address = {
  scheme : scheme;
  host : string;
  port : int option; (** What the scheme says, if the link says nothing. *)
  path : string;
}

(** Why a text is no address. *)
type problem =
  | NoHost
  | UnknownScheme of string
  | BadPort of {
      text : string;
      most : int;
    }

(** The type [Watcher.t], below. *)
type watcher

(** The type [Cache.t], below. *)
type cache

(** The type [Limiter.t], below. *)
type limiter

module Errors : sig
  (** The server asks for some rest. *)
  exception TooBusy of {
    host : string;
    seconds : int;
  }

  (** [read_list path]

      The lines of a file that are links. *)
  external read_list : string -> string array Lwt.t = "links__read_list"

  (** [status host]

      What a server says of itself. *)
  external status : string -> string Lwt.t = "links__status"

  (** [fetch_twice fetch link]

      Fetches a page with OCaml's function, once more if it was not found. *)
  external fetch_twice : (string -> string Lwt.t) -> string -> string Lwt.t = "links__fetch_twice"

  (** [check_length link]

      Refuses what is too long, with an exception that OCaml has registered. *)
  external check_length : string -> unit Lwt.t = "links__check_length"

  (** [host_of link]

      The host of a link. *)
  external host_of : string -> string Lwt.t = "links__host_of"
end

module Addresses : sig
  (** [parse text]

      The address that a text is. *)
  external parse : string -> (address, problem) result = "links__parse"

  (** [show address]

      An address as a text. *)
  external show : address -> string = "links__show"

  (** [find ?at_most page]

      The addresses in a page of text, in their order. *)
  external find : ?at_most:int -> string -> address list = "links__find"
end

module Callbacks : sig
  (** [check_all ~at_most links check]

      The status of each link, by OCaml's function, of which at most so many calls run at a time. *)
  external check_all :
    at_most:int ->
    string array ->
    (string -> int Lwt.t) ->
    (string * int) array Lwt.t
    = "links__check_all"

  (** [wanted links is_wanted]

      The links that OCaml's function wants. *)
  external wanted : string array -> (string -> bool) -> string array = "links__wanted"

  (** [count last tell]

      Counts up to [last] on a Tokio thread, and tells OCaml. *)
  external count : int -> (int -> unit) -> unit Lwt.t = "links__count"

  (** [retry ~times f]

      The value of OCaml's function, which is called until it fails no more, at most so many times. *)
  external retry : times:int -> (int -> string Lwt.t) -> string Lwt.t = "links__retry"
end

module Cancellation : sig
  (** [ask host milliseconds]

      Asks a server, which answers after so many milliseconds. *)
  external ask : string -> int -> string Lwt.t = "links__ask"

  (** [at_most milliseconds answer]

      What OCaml's function gives within so many milliseconds, or nothing. *)
  external at_most : int -> (unit -> string Lwt.t) -> string option Lwt.t = "links__at_most"

  (** [log line]

      Writes a line to a log. It is not stopped in the middle. *)
  external log : string -> unit Lwt.t = "links__log"
end

module Debugging : sig
  (** [size path]

      How large a file is. *)
  external size : string -> int Lwt.t = "links__size"

  (** [wait_for_ever ()]

      Waits for something that never comes. *)
  external wait_for_ever : unit -> unit Lwt.t = "links__wait_for_ever"

  module Watcher : sig
    (** Calls OCaml's functions when a link has changed. *)
    type t = watcher

    (** [create ()] *)
    external create : unit -> t = "links__watcher_create"

    (** [on_change self f] *)
    external on_change : t -> (string -> unit) -> unit = "links__watcher_on_change"

    (** [forget self]

        Lets go of the functions. *)
    external forget : t -> unit = "links__watcher_forget"

    (** [close t]

        The Rust value goes as soon as no call uses it, and not when the collector comes by.
        Calls from now on raise [Rust_async.Misuse]; to close it again does nothing. *)
    external close : t -> unit = "ocaml_lwt_interop_close"
  end
end

module Objects : sig
  (** [warm cache limiter links fetch]

      Fetches into the cache, one page in each interval. *)
  external warm :
    cache ->
    limiter ->
    string array ->
    (string -> string Lwt.t) ->
    unit Lwt.t
    = "links__warm"

  module Cache : sig
    (** What was fetched already. *)
    type t = cache

    (** [create ()] *)
    external create : unit -> t = "links__cache_create"

    (** [get self link fetch]

        The page, from the cache or by OCaml's function. *)
    external get : t -> string -> (string -> string Lwt.t) -> string Lwt.t = "links__cache_get"

    (** [length self] *)
    external length : t -> int = "links__cache_length"

    (** [links self]

        The links, in the order of the alphabet. *)
    external links : t -> string Lwt_stream.t = "links__cache_links"

    (** [close t]

        The Rust value goes as soon as no call uses it, and not when the collector comes by.
        Calls from now on raise [Rust_async.Misuse]; to close it again does nothing. *)
    external close : t -> unit = "ocaml_lwt_interop_close"
  end

  module Limiter : sig
    (** Lets one pass in each interval. *)
    type t = limiter

    (** [create ~milliseconds] *)
    external create : milliseconds:int -> t = "links__limiter_create"

    (** [pass self]

        Waits for its turn. *)
    external pass : t -> unit Lwt.t = "links__limiter_pass"

    (** [close t]

        The Rust value goes as soon as no call uses it, and not when the collector comes by.
        Calls from now on raise [Rust_async.Misuse]; to close it again does nothing. *)
    external close : t -> unit = "ocaml_lwt_interop_close"
  end
end

module Pictures : sig
  (** [receive port buffer]

      Reads from a server into OCaml's memory, until it is full or the server has ended. Gives the number of bytes. *)
  external receive :
    int ->
    (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t ->
    int Lwt.t
    = "links__receive"

  (** [histogram picture]

      How often each byte comes in a picture. *)
  external histogram :
    (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t ->
    (int64, Bigarray.int64_elt, Bigarray.c_layout) Bigarray.Array1.t Lwt.t
    = "links__histogram"
end

module Streams : sig
  (** [lines path]

      The lines of a file. *)
  external lines : string -> string Lwt_stream.t Lwt.t = "links__lines"

  (** [count_links lines]

      How many of the lines are links, and how many there are. *)
  external count_links : string Lwt_stream.t -> (int * int) Lwt.t = "links__count_links"

  (** [hosts links]

      The hosts of the links, as the links come. *)
  external hosts : string Lwt_stream.t -> string Lwt_stream.t = "links__hosts"

  (** [pages ()]

      The pages of an index without end. It says which ones it makes. *)
  external pages : unit -> string Lwt_stream.t = "links__pages"
end

module Threads : sig
  (** [plain ()] *)
  external plain : unit -> bool Lwt.t = "links__plain"

  (** [on_a_worker ()] *)
  external on_a_worker : unit -> bool Lwt.t = "links__on_a_worker"

  (** [on_a_thread_that_may_block ()] *)
  external on_a_thread_that_may_block : unit -> bool Lwt.t = "links__on_a_thread_that_may_block"

  (** [count_words page tell]

      Counts the words of a page on a Tokio thread, and tells OCaml. *)
  external count_words : string -> (int -> unit) -> unit Lwt.t = "links__count_words"

  (** [double number add]

      Doubles on a thread of its own, which waits for OCaml's function. *)
  external double : int -> (int -> int -> int) -> int Lwt.t = "links__double"

  (** [read_length read path]

      How many bytes OCaml's function reads. It runs on a thread of OCaml's that may block. *)
  external read_length : (string -> string) -> string -> int Lwt.t = "links__read_length"

  (** [parallel_sum pool f]

      [f 1 + f 2], computed in parallel. *)
  external parallel_sum :
    Rust_async.Domain_pool.t ->
    (int -> int) ->
    int Lwt.t
    = "links__parallel_sum"
end
