open Lwt.Infix
open Interop_host

exception Own

let rec overflow n = 1 + overflow (n + 1)

let act = function
  | Exit code -> exit code
  | ExitAtOnce code -> Unix._exit code
  | ExitThread -> (Thread.exit [@alert "-deprecated"] [@warning "-3"]) ()
  | Raise -> raise Own
  | Overflow -> ignore (Sys.opaque_identity (overflow 0))
  | Exhaust -> ignore (Sys.opaque_identity (Bytes.create Sys.max_string_length))
  | RunLoop -> Lwt_main.run Lwt.return_unit

(* In the next turn, where nothing of Lwt's catches what it raises. *)
let in_hook f =
  let hook = ref None in
  let once () =
    Option.iter Lwt_main.Enter_iter_hooks.remove !hook;
    f ()
  in
  hook := Some (Lwt_main.Enter_iter_hooks.add_first once)

let terminate () = Unix.kill (Unix.getpid ()) Sys.sigterm
let never () = fst (Lwt.wait ())

let end_ what place =
  let act () = act what in
  match place with
  | Call ->
      act ();
      never ()
  | Promise -> Lwt.pause () >>= fun () -> act (); never ()
  | Callback ->
      Lwt.on_success (Lwt.pause ()) act;
      never ()
  | Async ->
      Lwt.async (fun () -> Lwt.pause () >|= act);
      never ()
  | Hook ->
      in_hook act;
      never ()
  | OtherThread ->
      ignore (Thread.create act () : Thread.t);
      never ()
  | Finaliser ->
      Gc.finalise (fun _ -> act ()) (Sys.opaque_identity (ref 0));
      Gc.full_major ();
      never ()
  | SignalHandler ->
      Sys.set_signal Sys.sigterm (Signal_handle (fun _ -> act ()));
      terminate ();
      never ()
  | LwtSignalHandler ->
      ignore (Lwt_unix.on_signal Sys.sigterm (fun _ -> act ()) : Lwt_unix.signal_handler_id);
      terminate ();
      never ()
  | AtExit ->
      at_exit act;
      exit 3
  | CallOfRust ->
      call_back act;
      never ()
  | BlockingThread -> call_on_a_blocking_thread act >>= never
  | Job -> On_domain.act act >>= never
  | JobCallOfRust -> On_domain.act (fun () -> call_back act) >>= never
