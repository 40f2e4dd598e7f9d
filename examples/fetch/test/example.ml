(* What the README shows. *)

open Rust_http

(* What is at a URL, or nothing. At most 5 seconds for each of 5 tries. *)
let page client url =
  Lwt.catch
    (fun () -> Lwt.map Option.some (call ~timeout:5. client url read))
    (function Failed (Status 404, _) -> Lwt.return_none | exn -> Lwt.fail exn)

(* Sends what is at one URL to another. Of the whole there are some chunks in memory: who sends waits for who receives. *)
let mirror client source target =
  call client source (fun { body; _ } ->
      call ~meth:Put ~body:(of_stream (fun () -> body)) ~retry:once client target read)
