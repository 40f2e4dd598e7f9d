(* checksum [--jobs N] [--timeout SECONDS] PATH...: what sha256sum prints, with the hashing in Rust. *)

open Lwt.Syntax

type stop = Interrupted | Timed_out of float

(* How many results may wait for one that takes long. *)
let ahead = 1000

(* Fulfilled when the user or the time says so. *)
let stop timeout =
  let interrupted, interrupt = Lwt.wait () in
  (* It may come twice: timeout(1) sends it to the program and then to its group. *)
  let on_signal _ = if Lwt.is_sleeping interrupted then Lwt.wakeup_later interrupt Interrupted in
  ignore (Lwt_unix.on_signal Sys.sigint on_signal : Lwt_unix.signal_handler_id);
  match timeout with
  | None -> interrupted
  | Some seconds ->
      let timed_out = Lwt.map (fun () -> Timed_out seconds) (Lwt_unix.sleep seconds) in
      Lwt.choose [ interrupted; timed_out ]

let hash bar path () =
  Lwt.catch
    (fun () ->
      let+ digest = Checksum.sha256 path (Bar.progress bar) in
      Bar.finished bar;
      Ok (Output.checksum digest path))
    (function Checksum.Unreadable failure -> Lwt.return_error failure | exn -> Lwt.fail exn)

let submit files bar = function
  | Walk.File { path; size } ->
      Bar.found bar size;
      Ordered.submit files (hash bar path)
  | Failure failure -> Ordered.submit files (fun () -> Lwt.return_error failure)

let walk files bar paths =
  Lwt.finalize
    (fun () ->
      Lwt.catch
        (fun () -> Walk.iter (submit files bar) paths)
        (function Lwt.Canceled -> Lwt.return_unit | exn -> Lwt.fail exn))
    (fun () ->
      Bar.all_found bar;
      Ordered.close files;
      Lwt.return_unit)

let complain bar message = Bar.print bar (Printf.sprintf "checksum: %s\n" message)

(* Whoever wants the program to stop does not wait for a reader of its output that does not read. *)
let at_most_a_second promise = Lwt.pick [ promise; Lwt_unix.sleep 1. ]

let main { Options.jobs; timeout; paths } =
  let stop = stop timeout in
  let bar = Bar.create () in
  let files = Ordered.create ~jobs ~ahead in
  let status = ref 0 in
  let flush () =
    let* () = if Unix.isatty Unix.stdout then Bar.hide bar else Lwt.return_unit in
    Output.flush ()
  in
  let emit = function
    | Ok line -> Output.line line
    | Error { Checksum.path; reason } ->
        status := 1;
        complain bar (Output.name path ^ ": " ^ reason)
  in
  let walked = walk files bar paths in
  let cancel () =
    Ordered.cancel files;
    Lwt.cancel walked
  in
  let printed =
    Lwt.catch
      (fun () -> Ordered.drain files ~emit ~idle:flush)
      (fun exn ->
        cancel ();
        Lwt.fail exn)
  in
  let all = Lwt.join [ walked; printed ] in
  let* stopped = Lwt.choose [ Lwt.map (fun () -> None) all; Lwt.map Option.some stop ] in
  match stopped with
  | None -> Lwt.map (fun () -> !status) (Bar.hide bar)
  | Some stop ->
      cancel ();
      (* What is done by now is still printed. *)
      let* () = at_most_a_second all in
      let status, why =
        match stop with
        | Interrupted -> (130, "interrupted")
        | Timed_out seconds -> (124, Printf.sprintf "timed out after %g s" seconds)
      in
      let count = Checksum.cancelled () in
      let files = if count = 1 then "file" else "files" in
      let+ () = at_most_a_second (complain bar (Printf.sprintf "%s, cancelled: %d %s" why count files)) in
      status

let () =
  let options = Options.parse ~default_jobs:(Checksum.parallelism ()) Sys.argv in
  match Lwt_main.run (main options) with
  | status ->
      (* What Tokio's threads are still at is reading, perhaps a FIFO to which nobody writes: not worth a wait. *)
      Rust_async.shutdown ~timeout:0. ();
      exit status
  | exception Unix.Unix_error (error, _, _) ->
      Printf.eprintf "checksum: standard output: %s\n" (Unix.error_message error);
      exit 1
