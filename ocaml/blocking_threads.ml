(* Rust queues the calls, and the threads run them here, so that no frame of Rust's is on the stack of a function that
   leaves its thread. *)

external blocking_call_next : int -> Obj.t = "ocaml_lwt_interop_blocking_call_next"
external blocking_call_begins : unit -> unit = "ocaml_lwt_interop_blocking_call_begins" [@@noalloc]
external blocking_call_ended : unit -> unit = "ocaml_lwt_interop_blocking_call_ended" [@@noalloc]
external blocking_call_returned : Obj.t -> unit = "ocaml_lwt_interop_blocking_call_returned"
external blocking_call_raised : exn -> string * Errors.backtrace -> unit = "ocaml_lwt_interop_blocking_call_raised"
external blocking_call_exited : unit -> unit = "ocaml_lwt_interop_blocking_call_exited"

(* A call is a block: the function, and its arguments. *)
let apply call =
  let applied = ref (Obj.field call 0) in
  for i = 1 to Obj.size call - 1 do
    applied := (Obj.obj !applied : Obj.t -> Obj.t) (Obj.field call i)
  done;
  !applied

(* [Thread.exit] from OCaml 4.14 on; before, it ends the thread, of which Rust hears by its end. *)
let is_thread_exit exn = Printexc.exn_slot_name exn = "Thread.Exit"

(* What a finaliser raises on the way is the call's, or, between two calls, nobody's; signal handlers do not run here. *)
let rec serve id =
  match
    let call = blocking_call_next id in
    if Obj.is_int call then None
    else begin
      blocking_call_begins ();
      let value = apply call in
      blocking_call_ended ();
      Some value
    end
  with
  | None -> ()
  | Some value ->
      blocking_call_returned value;
      serve id
  | exception exn ->
      blocking_call_ended ();
      if is_thread_exit exn then blocking_call_exited ()
      else blocking_call_raised exn (try Errors.describe exn with _ -> (Printexc.exn_slot_name exn, None));
      serve id

let start id = match Thread.create serve id with _ -> "" | exception Sys_error message -> message
