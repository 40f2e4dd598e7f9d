external runs : (unit -> unit) -> bool = "ocaml_lwt_interop_host_runs"
external has_ended : unit -> bool = "ocaml_lwt_interop_host_has_ended" [@@noalloc]

(* What [exit] raises where Lwt runs, when it has done everything else: others may wait for what is on the stack. *)
exception Exited

let () =
  Printexc.register_printer (function Exited -> Some "the program has called exit, and Rust has the process" | _ -> None)

let text exn =
  let backtrace = Printexc.get_backtrace () in
  Some (Printexc.to_string exn, backtrace)

(* Each hook runs once, whatever the one before has raised. *)
let rec run_exit_hooks left = try Stdlib.do_at_exit () with _ when left > 0 -> run_exit_hooks (left - 1)

(* Where the hooks have run on another thread, which has called [exit], the executor has not been shut down. *)
let finish () =
  run_exit_hooks 1000;
  try Executor.shutdown () with _ -> ()

(* Another thread has called [exit], has run the hooks, and has stopped for good: the process goes on, and this thread ends what
   others wait for. *)
let while_stopped () =
  (try Thread.delay 0.01 with _ -> ());
  if has_ended () then raise Exited

let raised exn =
  let text = text exn in
  finish ();
  text

let run () =
  let ended, resolver = Lwt.wait () in
  let stop () = if Lwt.is_sleeping ended then Lwt.wakeup_later resolver () in
  Executor.when_shut_down := stop;
  Exiting.while_stopped := while_stopped;
  match
    if not !Executor.started then Executor.start_or_refuse 0 "host::start";
    if runs stop then Lwt_main.run ended
  with
  | () ->
      finish ();
      None
  | exception exn -> raised exn
