(** Exceptions: those that Rust has made, and what Rust is told of one. *)

type makers = {
  rust_error : string -> string list -> exn;  (** The message, and those of the causes. *)
  rust_panic : string -> string -> exn;  (** The message and the place. *)
  broken_promise : unit -> exn;
  misuse : string -> exn;
}
(** What makes the exceptions that [Rust_async] defines. *)

val define : makers -> unit
(** [define makers] is called by [Rust_async], once, before anything else is. *)

val rust_error : string -> string list -> exn
(** [rust_error message causes] is [Rust_async.Rust_error]. *)

val rust_panic : string -> string -> exn
(** [rust_panic message location] is [Rust_async.Rust_panic]. *)

val broken_promise : unit -> exn
(** [broken_promise ()] is [Rust_async.Broken_promise]. *)

val misuse : string -> exn
(** [misuse message] is [Rust_async.Misuse]. *)

val refuse : ('a, unit, string, 'b) format4 -> 'a
(** [refuse format …] raises [Rust_async.Misuse] with the text. *)

val predefined : int -> string -> exn
(** [predefined which message] is an exception of OCaml's own; the numbers are those of [errors_to_ocaml.rs]. Those that have no
    argument take no notice of [message]. *)

val register_exception : string -> exn -> unit
(** See [Rust_async.register_exception]. *)

type backtrace = Printexc.raw_backtrace option
(** Of an exception that crosses, if it has one. *)

val describe : exn -> string * backtrace
(** [describe exn] is the text of [exn], and its backtrace if [exn] is what was raised last. Runs the program's own printers,
    and raises what they raise. *)
