(* What the server serves: a greeting, an echo, and what the tests want to see fail, take long, or be cancelled. *)

open Lwt.Syntax

let text ?(status = 200) body = { Server.status; headers = [ ("content-type", "text/plain") ]; body = String body }

(* How many handlers of [/slow] are at it, and how many were cancelled. *)
let running = ref 0
let cancelled = ref 0

let slow seconds =
  incr running;
  Lwt.finalize
    (fun () ->
      Lwt.catch
        (fun () ->
          let+ () = Lwt_unix.sleep seconds in
          text "at last\n")
        (fun exn ->
          if exn = Lwt.Canceled then incr cancelled;
          Lwt.fail exn))
    (fun () ->
      decr running;
      Lwt.return_unit)

(* Reads the body when the request has its answer, which is too late. *)
let later body =
  Lwt.catch
    (fun () ->
      let* () = Lwt_unix.sleep 0.1 in
      Lwt.map ignore (Body.whole body))
    (fun exn -> Lwt_io.eprintl (Printexc.to_string exn))

(* What is alive on both sides of the bridge. *)
let counts () =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects = _; loans = _ } = Rust_async.stats () in
  text
    (Printf.sprintf "running %d, cancelled %d, tasks %d, subscriptions %d, roots %d\n" !running !cancelled tasks
       subscriptions roots)

let handle { Server.meth; target; headers; body } =
  match (meth, String.split_on_char '/' target) with
  | ("GET" | "HEAD"), [ ""; "" ] -> Lwt.return (text "hello\n")
  | "GET", [ ""; "headers" ] ->
      let line (name, value) = Printf.sprintf "%s: %s\n" name value in
      Lwt.return (text (String.concat "" (List.map line (Headers.to_list headers))))
  | "GET", [ ""; "agent" ] ->
      Lwt.return (text (Option.value (Headers.get headers "user-agent") ~default:"none" ^ "\n"))
  | "POST", [ ""; "whole" ] ->
      let+ body = Body.whole body in
      text body
  | "POST", [ ""; "echo" ] -> Lwt.return { Server.status = 200; headers = []; body }
  | "POST", [ ""; "later" ] ->
      Lwt.async (fun () -> later body);
      Lwt.return (text "not yet\n")
  | "GET", [ ""; "forever" ] ->
      let line () =
        let+ () = Lwt_unix.sleep 0.001 in
        Some "and so on\n"
      in
      Lwt.return { Server.status = 200; headers = []; body = Stream (Lwt_stream.from line) }
  | "GET", [ ""; "torn" ] ->
      let left = ref 4 in
      let line () =
        decr left;
        if !left > 0 then Lwt.return_some (string_of_int !left)
        else
          let* () = Lwt_unix.sleep 0.05 in
          failwith "this stream always fails"
      in
      Lwt.return { Server.status = 200; headers = []; body = Stream (Lwt_stream.from line) }
  | "GET", [ ""; "slow"; seconds ] -> slow (float_of_string seconds)
  | "GET", [ ""; "raise" ] -> failwith "this handler always fails"
  | "GET", [ ""; "thread" ] -> Lwt.map text (Server.thread ())
  | "GET", [ ""; "panic" ] -> Lwt.map text (Server.panic ())
  | "GET", [ ""; "nonsense" ] -> Lwt.return { Server.status = 200; headers = [ ("a\nb", "") ]; body = Empty }
  | "GET", [ ""; "counts" ] -> Lwt.return (counts ())
  | _ -> Lwt.return (text ~status:404 "not found\n")
