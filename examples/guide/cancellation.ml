(* Chapter 4: cancellation and timeouts. *)

(* -- from OCaml to Rust -- *)
open Lwt.Syntax
open Links.Cancellation

let hour = 3_600_000

let from_ocaml_to_rust () =
  let* answer =
    Lwt.catch
      (fun () -> Lwt_unix.with_timeout 0.02 (fun () -> ask "slow.example" hour))
      (function Lwt_unix.Timeout -> Lwt.return "no answer in time" | other -> Lwt.fail other)
  in
  print_endline answer;
  (* The first answer; the other question is cancelled. *)
  let+ answer = Lwt.pick [ ask "slow.example" hour; ask "fast.example" 1 ] in
  print_endline answer

(* -- from Rust to OCaml -- *)
let from_rust_to_ocaml () =
  let answer, _ = Lwt.task () in
  let cancelled, tell = Lwt.wait () in
  Lwt.on_cancel answer (Lwt.wakeup tell);
  let* late = at_most 20 (fun () -> answer) in
  let* () = cancelled in
  print_endline "OCaml's promise is cancelled";
  let+ soon = at_most hour (fun () -> Lwt.return "here") in
  Printf.printf "%s, %s\n" (Option.value late ~default:"nothing") (Option.value soon ~default:"nothing")

(* -- what must be finished -- *)
let what_must_be_finished () =
  let logged = log "a line" in
  Lwt.cancel logged;
  let* () =
    Lwt.catch
      (fun () -> logged)
      (function
        | Lwt.Canceled ->
            print_endline "the promise is cancelled";
            Lwt.return_unit
        | other -> Lwt.fail other)
  in
  (* The line is written when Rust has no task any more. *)
  let rec wait () =
    if (Rust_async.stats ()).tasks = 0 then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.001) wait
  in
  wait ()

(* -- -- *)
let () =
  Chapter.run
    [
      ("from OCaml to Rust", from_ocaml_to_rust);
      ("from Rust to OCaml", from_rust_to_ocaml);
      ("what must be finished", what_must_be_finished);
    ]
