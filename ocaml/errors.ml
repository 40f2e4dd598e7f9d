(* An exception is called after the module that defines it: [Rust_async.Misuse]. Rust knows ours by that name, and users see
   it. So [Rust_async] defines them, and the modules below, which it is made of, have them made by what it leaves here when
   the program begins. Nothing of ours is called before. *)

type makers = {
  rust_error : string -> string list -> exn;
  rust_panic : string -> string -> exn;
  broken_promise : unit -> exn;
  misuse : string -> exn;
}

let makers =
  ref
    {
      rust_error = (fun _ _ -> assert false);
      rust_panic = (fun _ _ -> assert false);
      broken_promise = (fun () -> assert false);
      misuse = (fun _ -> assert false);
    }

let define made = makers := made
let rust_error message causes = !makers.rust_error message causes
let rust_panic message location = !makers.rust_panic message location
let broken_promise () = !makers.broken_promise ()
let misuse message = !makers.misuse message
let refuse format = Printf.ksprintf (fun message -> raise (misuse message)) format

let predefined which message =
  match which with
  | 0 -> Not_found
  | 1 -> Failure message
  | 2 -> Invalid_argument message
  | 3 -> Out_of_memory
  | 4 -> Stack_overflow
  | 5 -> End_of_file
  | 6 -> Division_by_zero
  | 7 -> Sys_blocked_io
  | _ -> Sys_error message

(* Rust finds the exception by its name, or by the number of its constructor; see registered.rs. *)
let register_exception name exn =
  if String.contains name '\000' then invalid_arg "Rust_async.register_exception: a zero byte in the name";
  let constructor = Obj.Extension_constructor.(id (of_val exn)) in
  Callback.register ("ocaml_lwt_interop.exception." ^ name) exn;
  Callback.register (Printf.sprintf "ocaml_lwt_interop.constructor.%d" constructor) exn

type backtrace = Printexc.raw_backtrace option

external was_raised_last : exn -> bool = "ocaml_lwt_interop_is_raised_last" [@@noalloc]

(* A promise may have been rejected with an exception that nobody raised, or long ago: then the backtrace is another's. *)
let describe exn =
  let backtrace =
    if Printexc.backtrace_status () && was_raised_last exn then Some (Printexc.get_raw_backtrace ()) else None
  in
  (Printexc.to_string exn, backtrace)
