(* Made from Rust by rust-async. *)

[@@@ocaml.warning "-30"]

type 'a returned = 'a

(** What can go wrong. *)
type net_error = [
  | `Timeout
  | `Io of string (** With a text. *)
  | `Status of int * float
  | `tls of int * int
]

(** A polymorphic variant in a record is what it is. *)
type attempt = {
  result : (int, net_error) result;
} [@@boxed]

(** With functions of its parameter: a row of tags in it is what it is. *)
type 'a handler = {
  handler : 'a -> bool;
} [@@boxed]

type other = [
  | `Other
  | `Timeout
]

(** The type [Die.t], below. *)
type die = {
  throw : unit -> int;
} [@@boxed]

(** Constructors without arguments. *)
type kind =
  | Human (** Like you. *)
  | Robot

(** Somebody. *)
type person = {
  name : string; (** As others call them. *)
  age : int;
  type_ : kind; (** What they are: OCaml has the word for itself. *)
  friends : person list;
}

(** Why there is no score. *)
type verdict =
  | Draw
  | Foul of string

(** The type [Rules.t], below. *)
type rules = {
  type_ : unit -> string;
  play : move:int -> ?who:person -> unit -> person option Lwt.t;
  against : rules -> int;
  scores : unit -> int Lwt_stream.t;
  judge : int -> (int, verdict) result Lwt.t;
}

(** The type [Words.t], below. *)
type words

(** The type [Pool.t], below. *)
type pool

(** What a pool gives. *)
type row = {
  of_ : pool; (** Where it comes from. *)
  text : string;
}

(** The type [Bare.t], below. *)
type bare

(** The type [Unit_of_work.t], below. *)
type unit_of_work

(** A record of one field, unboxed. *)
type 'a boxed = {
  content : 'a;
} [@@unboxed]

type branches = {
  left : tree;
  value : int;
  right : tree;
}

(** Each of two types needs the other. *)
and tree =
  | Leaf
  | Node of branches

(** A struct without names, and OCaml has a type of this name: [List]. *)
type list_ =
  | List of int * list_ option

(** Unboxed. *)
type metres =
  | Meters of float [@@unboxed]

type ('a, 'b) pair = {
  first : 'a;
  second : 'b;
}

(** Flat in OCaml. *)
type point = {
  x : float;
  y : float;
}

(** Of its own parameter. *)
type 'a sequence =
  | End
  | Then of {
      item : 'a;
      rest : 'a sequence;
    }

type shape =
  | Empty
  | Circle of point * float
  | Rectangle of {
      corner : point;
      width : float;
      height : float;
    } (** Has sides. *)
  | Named of string * shape
  | Both of (int * int)

type wrapped = {
  list : list_;
  on_change : int option -> bool;
  position : Lexing.position;
}

(** [join names separator]

    Joins [names] with a separator.

    An empty list is the empty text: [join(\[\], ",")] is [""], and [echo_list] gives it back. See
    {{:https://example.org} the page} as well.

    {b Errors}

    Where the separator is empty (with "quotes").

    {[
    join(["a", "b"], ",")
    ]} *)
external join : string list -> string -> string Lwt.t = "interop_declarations__join"

(** [echo_array value] *)
external echo_array : float array -> float array = "interop_declarations__echo_array"

(** [echo_bool value] *)
external echo_bool : bool -> bool = "interop_declarations__echo_bool"

(** [echo_boxed value] *)
external echo_boxed : string boxed -> string boxed = "interop_declarations__echo_boxed"

(** [echo_boxed_ints value] *)
external echo_boxed_ints :
  int32 * int32 * int64 * int64 * nativeint ->
  int32 * int32 * int64 * int64 * nativeint
  = "interop_declarations__echo_boxed_ints"

(** [echo_bytes value] *)
external echo_bytes : string -> string = "interop_declarations__echo_bytes"

(** [echo_char value] *)
external echo_char : char -> char = "interop_declarations__echo_char"

(** [echo_cube value] *)
external echo_cube :
  (int32, Bigarray.int32_elt, Bigarray.c_layout) Bigarray.Array3.t ->
  (int32, Bigarray.int32_elt, Bigarray.c_layout) Bigarray.Array3.t
  = "interop_declarations__echo_cube"

(** [echo_descriptor value] *)
external echo_descriptor :
  Unix.file_descr ->
  Unix.file_descr
  = "interop_declarations__echo_descriptor"

(** [echo_float value] *)
external echo_float : float -> float = "interop_declarations__echo_float"

(** [echo_four_bytes value] *)
external echo_four_bytes : string -> string = "interop_declarations__echo_four_bytes"

(** [echo_function value] *)
external echo_function :
  (int -> int * int -> string) ->
  (int -> int * int -> string) returned
  = "interop_declarations__echo_function"

(** [echo_int value] *)
external echo_int : int -> int = "interop_declarations__echo_int"

(** [echo_lent value] *)
external echo_lent :
  (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t ->
  (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t
  = "interop_declarations__echo_lent"

(** [echo_linked_list value] *)
external echo_linked_list : int list -> int list = "interop_declarations__echo_linked_list"

(** [echo_list value] *)
external echo_list : string list list -> string list list = "interop_declarations__echo_list"

(** [echo_map value] *)
external echo_map : (string * int) list -> (string * int) list = "interop_declarations__echo_map"

(** [echo_matrix value] *)
external echo_matrix :
  (float, Bigarray.float64_elt, Bigarray.c_layout) Bigarray.Array2.t ->
  (float, Bigarray.float64_elt, Bigarray.c_layout) Bigarray.Array2.t
  = "interop_declarations__echo_matrix"

(** [echo_meters value] *)
external echo_meters : metres -> metres = "interop_declarations__echo_meters"

(** [echo_mutable_bytes value] *)
external echo_mutable_bytes : bytes -> bytes = "interop_declarations__echo_mutable_bytes"

(** [echo_numbers value] *)
external echo_numbers :
  (int, Bigarray.int_elt, Bigarray.c_layout) Bigarray.Array1.t ->
  (int, Bigarray.int_elt, Bigarray.c_layout) Bigarray.Array1.t
  = "interop_declarations__echo_numbers"

(** [echo_option value] *)
external echo_option : int option option -> int option option = "interop_declarations__echo_option"

(** [echo_pair value] *)
external echo_pair :
  (string, (int, bool) pair array) pair ->
  (string, (int, bool) pair array) pair
  = "interop_declarations__echo_pair"

(** [echo_pairs_of_floats value] *)
external echo_pairs_of_floats :
  (float, float) pair ->
  (float, float) pair
  = "interop_declarations__echo_pairs_of_floats"

(** [echo_person value] *)
external echo_person : person -> person = "interop_declarations__echo_person"

(** [echo_point value] *)
external echo_point : point -> point = "interop_declarations__echo_point"

(** [echo_promise value] *)
external echo_promise : int Lwt.t -> int Lwt.t = "interop_declarations__echo_promise"

(** [echo_result value] *)
external echo_result :
  (int, string) result ->
  (int, string) result
  = "interop_declarations__echo_result"

(** [echo_sequence value] *)
external echo_sequence : int sequence -> int sequence = "interop_declarations__echo_sequence"

(** [echo_shape value] *)
external echo_shape : shape -> shape = "interop_declarations__echo_shape"

(** [echo_single value] *)
external echo_single : float -> float = "interop_declarations__echo_single"

(** [echo_small_ints value] *)
external echo_small_ints :
  int * int * int * int * int ->
  int * int * int * int * int
  = "interop_declarations__echo_small_ints"

(** [echo_string value] *)
external echo_string : string -> string = "interop_declarations__echo_string"

(** [echo_tensor value] *)
external echo_tensor :
  (Complex.t, Bigarray.complex32_elt, Bigarray.c_layout) Bigarray.Genarray.t ->
  (Complex.t, Bigarray.complex32_elt, Bigarray.c_layout) Bigarray.Genarray.t
  = "interop_declarations__echo_tensor"

(** [echo_tree value] *)
external echo_tree : tree -> tree = "interop_declarations__echo_tree"

(** [echo_tuple value] *)
external echo_tuple :
  (int * bool) * float ->
  (int * bool) * float
  = "interop_declarations__echo_tuple"

(** [echo_uchar value] *)
external echo_uchar : Uchar.t -> Uchar.t = "interop_declarations__echo_uchar"

(** [echo_uchars value] *)
external echo_uchars : Uchar.t array -> Uchar.t array = "interop_declarations__echo_uchars"

(** [echo_unit value] *)
external echo_unit : unit -> unit = "interop_declarations__echo_unit"

(** [echo_value value] *)
external echo_value : Obj.t -> Obj.t = "interop_declarations__echo_value"

(** [echo_wrapped value] *)
external echo_wrapped : wrapped -> wrapped = "interop_declarations__echo_wrapped"

(** [nothing ()] *)
external nothing : unit -> unit Lwt.t = "interop_declarations__nothing"

(** [never ()] *)
external never : unit -> unit Lwt.t = "interop_declarations__never"

(** [sum a b c d e f]

    More than five arguments. *)
external sum :
  int ->
  int ->
  int ->
  int ->
  int ->
  int ->
  int Lwt.t
  = "declarations_sum_bytecode" "declarations_sum"

(** [half n]

    Only the value of an [ocaml::Error] is in the type. *)
external half : int -> int Lwt.t = "interop_declarations__half"

(** [checked_half n]

    An error of another type is a [result]. *)
external checked_half : int -> (int, string) result Lwt.t = "interop_declarations__checked_half"

(** [call f argument]

    Calls [f] with its number. *)
external call :
  (int -> string -> int option Lwt.t) ->
  int ->
  int option Lwt.t
  = "interop_declarations__call"

(** [call_without f] *)
external call_without : (unit -> int Lwt.t) -> int Lwt.t = "interop_declarations__call_without"

(** [same f]

    A function that gives a function. *)
external same : (int -> int) -> (int -> int) Lwt.t = "interop_declarations__same"

(** [same_at_once f]

    Gives the function itself, so that its type has parentheses. *)
external same_at_once : (int -> int) -> (int -> int) returned = "interop_declarations__same_at_once"

(** [name_of promise] *)
external name_of : person Lwt.t -> string Lwt.t = "interop_declarations__name_of"

(** [in_parallel pool f] *)
external in_parallel :
  Rust_async.Domain_pool.t ->
  (int -> int) ->
  int Lwt.t
  = "interop_declarations__in_parallel"

module Errors : sig
  (** The file cannot be read. *)
  exception Unreadable of {
    path : string; (** Where it should be. *)
    method_ : string;
  }

  exception Refused of int * string option

  exception Gone

  (** [fail which]

      Fails with the exception of that number, on a worker. *)
  external fail : int -> unit Lwt.t = "interop_declarations__fail"

  (** [told f]

      What it says of the exception that [f] fails with. *)
  external told : (unit -> unit Lwt.t) -> string Lwt.t = "interop_declarations__told"

  (** [echo_net_error value] *)
  external echo_net_error :
    [< net_error ] ->
    [> net_error ]
    = "interop_declarations__echo_net_error"

  (** [echo_attempt value] *)
  external echo_attempt : attempt -> attempt = "interop_declarations__echo_attempt"

  (** [fetch n] *)
  external fetch : int -> (int, [> net_error ]) result Lwt.t = "interop_declarations__fetch"

  (** [store n] *)
  external store : int -> (int, [> other ]) result Lwt.t = "interop_declarations__store"

  (** [handled handler] *)
  external handled : ([> net_error ] -> bool Lwt.t) -> bool Lwt.t = "interop_declarations__handled"

  (** [echo_handler value] *)
  external echo_handler :
    net_error handler ->
    net_error handler
    = "interop_declarations__echo_handler"
end

module Games : sig
  (** [played rules who]

      All of them, from Tokio's threads. *)
  external played : rules -> person option -> string array Lwt.t = "interop_declarations__played"

  (** [same_rules rules]

      The same, back. *)
  external same_rules : rules -> rules = "interop_declarations__same_rules"

  (** [thrown die]

      From home, at once. *)
  external thrown : die -> int = "interop_declarations__thrown"

  module Die : sig
    (** Of one function. *)
    type t = die = {
      throw : unit -> int;
    } [@@boxed]

    (** [provide ~name t]

        What Rust gets when it asks for this interface, under that name or without one.
        Raises [Invalid_argument] where there is one already. *)
    val provide : ?name:string -> t -> unit
  end

  module Rules : sig
    (** The rules of a game. *)
    type t = rules = {
      type_ : unit -> string; (** What it is called. *)
      play : move:int -> ?who:person -> unit -> person option Lwt.t; (** A move of somebody's. *)
      against : rules -> int;
      scores : unit -> int Lwt_stream.t;
      judge : int -> (int, verdict) result Lwt.t;
    }

    (** [provide ~name t]

        What Rust gets when it asks for this interface, under that name or without one.
        Raises [Invalid_argument] where there is one already. *)
    val provide : ?name:string -> t -> unit
  end
end

module Guide : sig
  module Words : sig
    (** Words, and how often each was seen. *)
    type t = words

    (** [create ()] *)
    external create : unit -> t = "interop_declarations__words_create"

    (** [add_file self path]

        Counts the words of a file, and gives their number. *)
    external add_file : t -> string -> int Lwt.t = "interop_declarations__words_add_file"

    (** [count self word] *)
    external count : t -> string -> int = "interop_declarations__words_count"

    (** [all self]

        All of them, in the order of the alphabet. *)
    external all : t -> (string * int) Lwt_stream.t = "interop_declarations__words_all"

    (** [merge self other]

        Those of both. *)
    external merge : t -> t -> t Lwt.t = "interop_declarations__words_merge"

    (** [close t]

        The Rust value goes as soon as no call uses it, and not when the collector comes by.
        Calls from now on raise [Rust_async.Misuse]; to close it again does nothing. *)
    external close : t -> unit = "ocaml_lwt_interop_close"
  end
end

module Names : sig
  (** [method_ type_]

      [method] is a keyword of OCaml's. *)
  external method_ : int -> int Lwt.t = "interop_declarations__method"

  (** [labelled ~host ?port ?timeout ~type_ path]

      With labels, of which one has a name of its own and one is a keyword of OCaml's. *)
  external labelled :
    host:string ->
    ?port:int ->
    ?timeout:float ->
    type_:bool ->
    string ->
    string
    = "interop_declarations__labelled"

  module Lwt_ : sig
    (** [pause ()] *)
    external pause : unit -> unit Lwt.t = "names_lwt_pause"
  end
end

module Objects : sig
  module Pool : sig
    (** A pool of connections.

        It has [Pool::connect]. *)
    type t = pool

    (** [connect url]

        Connects to [url]. *)
    external connect : string -> t Lwt.t = "interop_declarations__pool_connect"

    (** [fetch this sql]

        Rows of a query. *)
    external fetch : t -> string -> row array Lwt.t = "interop_declarations__pool_fetch"

    (** [rows self count]

        A stream. *)
    external rows : t -> int -> string Lwt_stream.t = "interop_declarations__pool_rows"

    (** [some_rows self]

        A stream, if there is one. *)
    external some_rows : t -> int Lwt_stream.t Lwt.t = "interop_declarations__pool_some_rows"

    (** [idle self] *)
    external idle : t -> int = "interop_declarations__pool_idle"

    (** [vacuum self ~into] *)
    external vacuum :
      t ->
      into:t ->
      (unit, string) result Lwt.t
      = "interop_declarations__pool_vacuum"

    (** [dump self] *)
    external dump : t -> string Lwt.t = "interop_declarations__pool_dump"

    (** [with_ self f] *)
    external with_ :
      t ->
      (t -> unit_of_work option -> unit Lwt.t) ->
      unit Lwt.t
      = "pool_is_another_now"

    (** [close t]

        The Rust value goes as soon as no call uses it, and not when the collector comes by.
        Calls from now on raise [Rust_async.Misuse]; to close it again does nothing. *)
    external close : t -> unit = "ocaml_lwt_interop_close"
  end

  module Inner : sig
    (** [bares ()] *)
    external bares : unit -> bare array = "interop_declarations__bares"

    module Names : sig
      (** [first ()] *)
      external first : unit -> string = "interop_declarations__names_first"
    end

    module Unit_of_work : sig
      (** Of a pool; it has a [close] of its own. *)
      type t = unit_of_work

      (** [begin_ _pool] *)
      external begin_ : pool -> t option Lwt.t = "interop_declarations__transaction_begin"

      (** [close self] *)
      external close : t -> unit Lwt.t = "interop_declarations__transaction_close"

      (** [release t]

          The Rust value goes as soon as no call uses it, and not when the collector comes by.
          Calls from now on raise [Rust_async.Misuse]; to close it again does nothing. *)
      external release : t -> unit = "ocaml_lwt_interop_close"
    end

    module Bare : sig
      (** It has no functions. *)
      type t = bare

      (** [close t]

          The Rust value goes as soon as no call uses it, and not when the collector comes by.
          Calls from now on raise [Rust_async.Misuse]; to close it again does nothing. *)
      external close : t -> unit = "ocaml_lwt_interop_close"
    end
  end
end

module Streams : sig
  (** [count till]

      A stream at once. *)
  external count : int -> int Lwt_stream.t = "interop_declarations__count"

  (** [fallible path]

      The errors of the items end it, and are in no type. *)
  external fallible : string -> string Lwt_stream.t Lwt.t = "interop_declarations__fallible"

  (** [opened path] *)
  external opened : string -> string Lwt_stream.t Lwt.t = "interop_declarations__opened"

  (** [total numbers] *)
  external total : int Lwt_stream.t -> int Lwt.t = "interop_declarations__total"

  module Inner : sig
    (** [both ()] *)
    external both : unit -> (int Lwt_stream.t * int) Lwt.t = "inner_both"
  end
end
