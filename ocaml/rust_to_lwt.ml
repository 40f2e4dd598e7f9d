type pending = Obj.t Lwt.t * Obj.t Lwt.u

external cancel : int -> unit = "ocaml_lwt_interop_cancel"

(* The future's destructors run in it; it is called by a callback on a promise. *)
let cancel key =
  Storage.refresh_in_callback ();
  cancel key

let pending key cancelable =
  Storage.refresh ();
  let pending = Lwt.task () in
  if cancelable then Lwt.on_cancel (fst pending) (fun () -> cancel key);
  pending

(* [Printexc.get_raw_backtrace] in a handler of the rejected promise gives the backtrace that the exception came with:
   Lwt keeps none, so it is put back where the runtime keeps the last one. *)
let restore_backtrace exn = function
  | None -> ()
  | Some backtrace -> ( try Printexc.raise_with_backtrace exn backtrace with raised when raised == exn -> ())

let failed exn backtrace =
  restore_backtrace exn backtrace;
  Lwt.fail exn

(* The second time, after an exception has left the first: the promise may be settled, and the exception that of a callback. *)
let fulfil (promise, resolver) value = if Lwt.is_sleeping promise then Lwt.wakeup resolver value

let reject_resolver resolver exn backtrace =
  restore_backtrace exn backtrace;
  Lwt.wakeup_exn resolver exn

let reject (promise, resolver) exn backtrace = if Lwt.is_sleeping promise then reject_resolver resolver exn backtrace
