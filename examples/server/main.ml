(* server [--port N] …: serves what is in routes.ml until SIGTERM. *)

(* Fulfilled by SIGTERM or Ctrl-C. *)
let stop () =
  let stopped, stop = Lwt.wait () in
  let on_signal _ = if Lwt.is_sleeping stopped then Lwt.wakeup_later stop () in
  let listen signal = ignore (Lwt_unix.on_signal signal on_signal : Lwt_unix.signal_handler_id) in
  List.iter listen [ Sys.sigterm; Sys.sigint ];
  stopped

let () =
  let config = Options.parse () in
  (* A client that has gone is an error, not the end: Rust's own main function does so, and its libraries count on it. *)
  Sys.set_signal Sys.sigpipe Signal_ignore;
  (* What a handler has let run on its own, and failed, is no reason to stop serving. *)
  (Lwt.async_exception_hook := fun exn -> prerr_endline ("server: " ^ Printexc.to_string exn));
  let listening port = Lwt_io.printlf "listening on %s port %d" config.address port in
  match Lwt_main.run (Server.serve ~stop:(stop ()) ~listening config Routes.handle) with
  | () -> ()
  | exception Rust_async.Rust_error { message; _ } ->
      prerr_endline ("server: " ^ message);
      exit 1
