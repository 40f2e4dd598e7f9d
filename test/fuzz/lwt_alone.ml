(* Lwt without Rust, under a storm of exceptions from a signal handler: `lwt_alone.exe SECONDS`. Lwt 5.6 ends with SIGSEGV within seconds.
   It is no test: it shows where such an end of a case with [Alarms] may come from. Lwt sees a promise as pending that is settled, since
   an exception has left [Lwt.cancel] or [make_into_proxy] (lwt.ml) half way. *)

exception Alarm

let rec through f = try f () with Alarm -> through f
let timer interval = ignore (Unix.setitimer ITIMER_REAL { it_interval = interval; it_value = interval } : Unix.interval_timer_status)

let rec program depth =
  if depth = 0 then Lwt.pause ()
  else
    let smaller () = program (depth - 1) in
    match Random.int 6 with
    | 0 -> Lwt.bind (smaller ()) smaller
    | 1 -> Lwt.pick [ smaller (); smaller () ]
    | 2 -> Lwt.join [ smaller (); smaller () ]
    | 3 -> Lwt.protected (smaller ())
    | 4 ->
        let promise = smaller () in
        Lwt.bind (Lwt.pause ()) (fun () ->
            Lwt.cancel promise;
            Lwt.return_unit)
    | _ -> Lwt.catch (fun () -> Lwt.finalize smaller Lwt.pause) (fun _ -> Lwt.return_unit)

let () =
  Lwt.async_exception_hook := ignore;
  let until = Unix.gettimeofday () +. float_of_string Sys.argv.(1) in
  Sys.set_signal Sys.sigalrm (Signal_handle (fun _ -> raise Alarm));
  timer 0.0001;
  through (fun () ->
      while Unix.gettimeofday () < until do
        let programs = List.init 10 (fun _ -> program 6) in
        let ended promise = Lwt.catch (fun () -> promise) (fun _ -> Lwt.return_unit) in
        Lwt_main.run (Lwt.pick [ Lwt_unix.sleep 0.002; Lwt.join (List.map ended programs) ]);
        List.iter Lwt.cancel programs
      done);
  Sys.set_signal Sys.sigalrm Signal_ignore;
  timer 0.
