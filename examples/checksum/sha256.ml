(* What src/lib.rs exports, and the exception that it raises. *)

type failure = { path : string; reason : string }

exception Unreadable of failure

(* Rust finds the exception by this name. *)
let () = Rust_async.register_exception "checksum.unreadable" (Unreadable { path = ""; reason = "" })

(* [file path progress] is the SHA-256 of the file, in hexadecimal. Rust awaits [progress bytes] after each chunk.
   Rejected with [Unreadable]. *)
external file : string -> (int -> unit Lwt.t) -> string Lwt.t = "checksum_sha256"

(* How many files were being hashed when they were cancelled. *)
external cancelled : unit -> int = "checksum_cancelled"

(* How many files are worth hashing at a time. *)
external parallelism : unit -> int = "checksum_parallelism"
