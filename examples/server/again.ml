(* One server after the other in a process, each stopped, cancelled, or refused its port: nothing of them is left. *)

open Lwt.Syntax

let get port =
  let* input, output = Lwt_io.open_connection (ADDR_INET (Unix.inet_addr_loopback, port)) in
  let* () = Lwt_io.write output "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" in
  let* answer = Lwt_io.read input in
  let+ () = Lwt_io.close output in
  assert (String.length answer > 12 && String.sub answer 0 12 = "HTTP/1.1 200")

let config port = { Options.default with port }

(* With a client in the middle of its request, and one of the same port beside it. *)
let once ~cancelled =
  let stop, stopper = Lwt.wait () and listening, listen = Lwt.wait () in
  let served =
    Server.serve ~stop ~listening:(fun port -> Lwt.return (Lwt.wakeup_later listen port)) (config 0) Routes.handle
  in
  let* port = listening in
  let* () = get port in
  let* refused =
    Lwt.catch
      (fun () ->
        let+ () = Server.serve ~stop ~listening:(fun _ -> Lwt.return_unit) (config port) Routes.handle in
        false)
      (function Rust_async.Rust_error _ -> Lwt.return true | exn -> Lwt.fail exn)
  in
  assert refused;
  let* _, idle = Lwt_io.open_connection (ADDR_INET (Unix.inet_addr_loopback, port)) in
  let* () = Lwt_io.write idle "GET / HTTP/1.1\r\n" in
  let* () =
    if cancelled then (
      Lwt.cancel served;
      Lwt.catch (fun () -> served) (function Lwt.Canceled -> Lwt.return_unit | exn -> Lwt.fail exn))
    else
      let* () = Lwt_io.close idle in
      Lwt.wakeup_later stopper ();
      served
  in
  Lwt.catch (fun () -> Lwt_io.close idle) (fun _ -> Lwt.return_unit)

type left = { threads : int; descriptors : int; rust : Rust_async.stats }

let left () =
  let entries folder = Array.length (Sys.readdir folder) in
  Gc.full_major ();
  {
    threads = entries "/proc/self/task";
    descriptors = entries "/proc/self/fd";
    rust = Rust_async.stats ();
  }

let rec times n =
  if n = 0 then Lwt.return_unit
  else
    let* () = once ~cancelled:(n land 1 = 0) in
    times (n - 1)

(* Tokio's blocking threads are kept for a while, and which of them takes a job is chance. *)
let is_flat before now =
  now.threads <= before.threads + 4 && now.descriptors <= before.descriptors && now.rust = before.rust

let to_string { threads; descriptors; rust = { tasks; subscriptions; roots; objects = _; loans = _ } } =
  Printf.sprintf "%d threads, %d descriptors, %d tasks, %d subscriptions, %d roots" threads descriptors tasks
    subscriptions roots

let rec wait_for_flat before attempts =
  let now = left () in
  if is_flat before now then Lwt.return_unit
  else if attempts = 0 then Lwt.fail_with (Printf.sprintf "left: %s; at first: %s" (to_string now) (to_string before))
  else
    let* () = Lwt_unix.sleep 0.02 in
    wait_for_flat before (attempts - 1)

let () =
  Sys.set_signal Sys.sigpipe Signal_ignore;
  Lwt_main.run
    (let* () = times 4 in
     let* () = Lwt_unix.sleep 0.2 in
     let before = left () in
     let* () = times 40 in
     wait_for_flat before 250)
