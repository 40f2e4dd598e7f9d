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

(* What is alive on both sides of the bridge. *)
let counts () =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots } = Rust_async.stats () in
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
      let+ body = Server.whole body in
      text body
  | "POST", [ ""; "echo" ] -> Lwt.return { Server.status = 200; headers = []; body }
  | "GET", [ ""; "slow"; seconds ] -> slow (float_of_string seconds)
  | "GET", [ ""; "raise" ] -> failwith "this handler always fails"
  | "GET", [ ""; "panic" ] -> Lwt.map text (Server.panic ())
  | "GET", [ ""; "nonsense" ] -> Lwt.return { Server.status = 200; headers = [ ("a\nb", "") ]; body = Empty }
  | "GET", [ ""; "counts" ] -> Lwt.return (counts ())
  | _ -> Lwt.return (text ~status:404 "not found\n")
