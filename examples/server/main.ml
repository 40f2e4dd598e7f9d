(* server [--port N] …: serves what is in routes.ml until SIGTERM. *)

let usage = "server [--address IP] [--port N] [--max-header BYTES] [--max-body BYTES] [--header-timeout S] [--grace S]"

let options () =
  let config = ref Server.default in
  let int f = Arg.Int (fun n -> config := f !config n) and float f = Arg.Float (fun x -> config := f !config x) in
  let { Server.address; port; max_header; max_body; header_timeout; grace } = Server.default in
  let default format value = Printf.sprintf (format ^^ " (default: %s)") value in
  Arg.parse
    [
      ("--address", String (fun address -> config := { !config with address }), default "IP  where to listen" address);
      ("--port", int (fun c port -> { c with port }), default "N  0 for any" (string_of_int port));
      ( "--max-header",
        int (fun c max_header -> { c with max_header }),
        default "BYTES  of a request's line and headers" (string_of_int max_header) );
      ( "--max-body",
        int (fun c max_body -> { c with max_body }),
        default "BYTES  of a request's body" (string_of_int max_body) );
      ( "--header-timeout",
        float (fun c header_timeout -> { c with header_timeout }),
        default "S  for a request's headers to arrive" (string_of_float header_timeout) );
      ( "--grace",
        float (fun c grace -> { c with grace }),
        default "S  for requests to end, at SIGTERM" (string_of_float grace) );
    ]
    (fun argument -> raise (Arg.Bad ("unexpected: " ^ argument)))
    usage;
  !config

(* Fulfilled by SIGTERM or Ctrl-C. *)
let stop () =
  let stopped, stop = Lwt.wait () in
  let on_signal _ = if Lwt.is_sleeping stopped then Lwt.wakeup_later stop () in
  let listen signal = ignore (Lwt_unix.on_signal signal on_signal : Lwt_unix.signal_handler_id) in
  List.iter listen [ Sys.sigterm; Sys.sigint ];
  stopped

let () =
  let config = options () in
  (* What a handler has let run on its own, and failed, is no reason to stop serving. *)
  (Lwt.async_exception_hook := fun exn -> prerr_endline ("server: " ^ Printexc.to_string exn));
  let listening port = Lwt_io.printlf "listening on %s port %d" config.address port in
  match Lwt_main.run (Server.serve ~stop:(stop ()) ~listening config Routes.handle) with
  | () -> ()
  | exception Rust_async.Rust_error { message; _ } ->
      prerr_endline ("server: " ^ message);
      exit 1
