(* A library of bytecode whose externals are in a cdylib. *)

external ready : int -> int Lwt.t = "process_ready"
external after : int -> int -> int Lwt.t = "process_after"
external tokio : int -> int Lwt.t = "process_tokio"
external call : (int -> int Lwt.t) -> int -> int Lwt.t = "process_call"

external sum : int -> int -> int -> int -> int -> int -> int Lwt.t
  = "process_sum_bytecode" "process_sum"

external blocking_call : (int -> int) -> int -> int Lwt.t = "process_blocking_call"
external panic : string -> unit Lwt.t = "process_panic"
external never : string -> unit Lwt.t = "process_never"
