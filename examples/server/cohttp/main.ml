(* The same on cohttp, for bench.sh to compare with. *)

open Lwt.Syntax

let handle _connection request body =
  let text ?(status = `OK) body =
    let headers = Cohttp.Header.init_with "content-type" "text/plain" in
    Cohttp_lwt_unix.Server.respond_string ~headers ~status ~body ()
  in
  match (Cohttp.Request.meth request, Cohttp.Request.resource request) with
  | `GET, "/" -> text "hello\n"
  | `POST, "/echo" ->
      let* body = Cohttp_lwt.Body.to_string body in
      text body
  | _ -> text ~status:`Not_found "not found\n"

let main () =
  let socket = Lwt_unix.socket PF_INET SOCK_STREAM 0 in
  let* () = Lwt_unix.bind socket (ADDR_INET (Unix.inet_addr_loopback, 0)) in
  Lwt_unix.listen socket 1024;
  let stop, stopper = Lwt.wait () in
  let on_signal _ = if Lwt.is_sleeping stop then Lwt.wakeup_later stopper () in
  ignore (Lwt_unix.on_signal Sys.sigterm on_signal : Lwt_unix.signal_handler_id);
  let* () =
    match Lwt_unix.getsockname socket with
    | ADDR_INET (_, port) -> Lwt_io.printlf "listening on port %d" port
    | ADDR_UNIX _ -> assert false
  in
  Cohttp_lwt_unix.Server.create ~stop ~mode:(`TCP (`Socket socket)) (Cohttp_lwt_unix.Server.make ~callback:handle ())

let () = Lwt_main.run (main ())
