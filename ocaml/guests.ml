(* Rust queues the calls, and the threads run them here, so that no frame of Rust's is on the stack of a function that
   leaves its thread. *)

external guest_next : int -> Obj.t = "ocaml_lwt_interop_guest_next"
external guest_begins : unit -> unit = "ocaml_lwt_interop_guest_begins" [@@noalloc]
external guest_ended : unit -> unit = "ocaml_lwt_interop_guest_ended" [@@noalloc]
external guest_returned : Obj.t -> unit = "ocaml_lwt_interop_guest_returned"
external guest_raised : exn -> string * Errors.backtrace -> unit = "ocaml_lwt_interop_guest_raised"
external guest_exited : unit -> unit = "ocaml_lwt_interop_guest_exited"

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
    let call = guest_next id in
    if Obj.is_int call then None
    else begin
      guest_begins ();
      let value = apply call in
      guest_ended ();
      Some value
    end
  with
  | None -> ()
  | Some value ->
      guest_returned value;
      serve id
  | exception exn ->
      guest_ended ();
      if is_thread_exit exn then guest_exited ()
      else guest_raised exn (try Errors.describe exn with _ -> (Printexc.exn_slot_name exn, None));
      serve id

let start id = match Thread.create serve id with _ -> "" | exception Sys_error message -> message
