(* The OCaml half of the bridge: what programs see of it. What is behind it is in the modules beside this one, which have the
   words of Rust's folders; HACKING.md says in which order to read them. *)

exception Rust_error of { message : string; causes : string list }
exception Rust_panic of { message : string; location : string }
exception Broken_promise
exception Misuse of string

let () =
  Errors.define
    {
      rust_error = (fun message causes -> Rust_error { message; causes });
      rust_panic = (fun message location -> Rust_panic { message; location });
      broken_promise = (fun () -> Broken_promise);
      misuse = (fun message -> Misuse message);
    }

let () =
  Printexc.register_printer (function
    | Rust_error { message; causes } ->
        Some (String.concat ": " (("Rust_async.Rust_error: " ^ message) :: causes))
    | Rust_panic { message; location } ->
        Some
          (if location = "" then Printf.sprintf "Rust_async.Rust_panic: %s" message
          else Printf.sprintf "Rust_async.Rust_panic: %s, at %s" message location)
    | Broken_promise -> Some "Rust_async.Broken_promise"
    | Misuse message -> Some ("Rust_async.Misuse: " ^ message)
    | _ -> None)

let register_exception = Errors.register_exception
let shutdown = Executor.shutdown
let configure = Executor.configure

module Stream = struct
  let close = Reader.close

  let with_stream stream f =
    Lwt.finalize
      (fun () -> f stream)
      (fun () ->
        close stream;
        Lwt.return_unit)
end

module Domain_pool = Domain_pool

type stats = { tasks : int; subscriptions : int; roots : int; objects : int; loans : int }

let stats () =
  let tasks, subscriptions, roots, objects, loans = Executor.stats () in
  { tasks; subscriptions; roots; objects; loans }

external flush_at_exit : unit -> unit = "ocaml_lwt_interop_flush_at_exit" [@@noalloc]

let () =
  Halves.agree ~callbacks:(Obj.repr Callbacks.all);
  flush_at_exit ();
  Callback.register "ocaml_lwt_interop.start" Executor.start_or_refuse;
  Callback.register "ocaml_lwt_interop.host.run" Host.run;
  Callback.register "ocaml_lwt_interop.host.raised" Host.raised;
  Callback.register_exception "ocaml_lwt_interop.host.exited" Host.Exited;
  ignore (Lwt_main.Enter_iter_hooks.add_last Loop.on_turn : Lwt_main.Enter_iter_hooks.hook);
  ignore (Lwt_main.Leave_iter_hooks.add_last Loop.on_end_of_turn : Lwt_main.Leave_iter_hooks.hook);
  at_exit Exiting.exit

module Declared = Declared
