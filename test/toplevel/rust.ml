(* A library of bytecode whose externals are in a cdylib. *)

external ready : int -> int Lwt.t = "interop_tests__process_ready"
external after : int -> int -> int Lwt.t = "interop_tests__process_after"
external tokio : int -> int Lwt.t = "interop_tests__process_tokio"
external call : (int -> int Lwt.t) -> int -> int Lwt.t = "interop_tests__process_call"

external sum : int -> int -> int -> int -> int -> int -> int Lwt.t
  = "interop_tests__process_sum_bytecode" "interop_tests__process_sum"

external blocking_call : (int -> int) -> int -> int Lwt.t = "interop_tests__process_blocking_call"
external panic : string -> unit Lwt.t = "interop_tests__process_panic"
external never : string -> unit Lwt.t = "interop_tests__process_never"
