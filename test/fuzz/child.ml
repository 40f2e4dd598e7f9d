(* Runs cases in this process, and says on standard output what it does, for the parent to read: `case N` before each, `met …` at
   the end, `problem …` for what does not hold. *)

open Lwt.Syntax
open Rules
open Watch

let run_program program =
  let allowed = Model.in_ocaml ~cancel:false program in
  let+ ending = Lwt.try_bind (fun () -> Perform.guarded program) Lwt.return_ok Lwt.return_error in
  check allowed ending

(* Some programs at a time, to their ends. *)
let run { programs; _ } =
  let* () = Lwt.join (List.map run_program programs) in
  until_nothing_is_left (Unix.gettimeofday ())

let one case =
  Perform.forget ();
  Lwt_main.run (run case);
  report ()

external silence_panics : unit -> unit = "fuzz_silence_panics"

exception Alarm

let start ?(workers = true) () =
  if Sys.getenv_opt "FUZZ_MEMPROF" <> None then profile ();
  Unix.putenv "RUST_BACKTRACE" "0";
  silence_panics ();
  Rust_async.configure ~worker_threads:2 ~max_blocking_threads:16 ();
  Perform.workers := (try if workers then Some (Rust_async.Domain_pool.create ~domains:1) else None with Failure _ -> None);
  Lwt.async_exception_hook := Perform.hear

let finish () =
  (match Rust_half.Met.met_in_rust () with
  | met -> Array.iter (fun (row, column, times) -> Table.add row column times) met
  | exception Rust_async.Misuse _ -> (* after a shutdown *) ());
  List.iter (fun (row, column, times) -> say "met %d %s|%s" times row column) (Table.all ());
  say "done"

(* Cases from seeds, many in one process: which grows no more when a third of them have run. *)
let many ~from ~count =
  start ();
  let before = ref (0, 0) in
  for i = 0 to count - 1 do
    say "case %d" (from + i);
    one (Generate.case (from + i));
    if i mod 10 = 0 then Shapes.one (from + i);
    if i = count / 3 then before := memory ()
  done;
  if count >= 300 then memory_is_flat !before;
  report ();
  finish ()

(* One case, in which the process ends in some other way. *)

let settled promise = Lwt.try_bind (fun () -> promise) (fun _ -> Lwt.return_unit) (fun _ -> Lwt.return_unit)

let refused what f =
  match f () with
  | (_ : Rust_half.value Lwt.t) -> Perform.problem "a call is not refused %s" what
  | exception Rust_async.Misuse _ -> ()

let a_call () = Rust_half.at_home (Give Nothing) (Perform.env ())

let exits programs turns =
  let both = Lwt.choose [ Lwt.join (List.map run_program programs); Perform.pauses turns ] in
  Lwt_main.run (settled both);
  report ();
  Rust_half.Counts.check_at_exit ();
  say "expect 7";
  exit 7

let shuts_down programs turns =
  (* Where Rust was never called, there is nothing to end, and it begins later. *)
  ignore (Lwt_main.run (a_call ()));
  let promises = List.map (fun program -> settled (Perform.guarded program)) programs in
  Lwt_main.run (Perform.pauses turns);
  Rust_async.shutdown ();
  refused "after a shutdown" a_call;
  (* Whatever OCaml waits for, of Rust it gets an answer. *)
  Lwt_main.run (Lwt.join promises);
  let { Rust_async.tasks; subscriptions; _ } = Rust_async.stats () in
  if tasks + subscriptions > 0 then Perform.problem "%d tasks and %d subscriptions are left after a shutdown" tasks subscriptions;
  report ();
  finish ()

let forks case turns =
  (* Where Rust was not called before, it works in the child. *)
  ignore (Lwt_main.run (a_call ()));
  let child =
    Lwt.bind (Perform.pauses turns) (fun () ->
        match Lwt_unix.fork () with
        | 0 ->
            refused "in the child of a fork" a_call;
            report ();
            Unix._exit 0
        | pid ->
            let rec wait () =
              match Unix.waitpid [ WNOHANG ] pid with
              | 0, _ -> Lwt.bind (Lwt_unix.sleep 0.001) wait
              | _, WEXITED 0 -> Lwt.return_unit
              | _ -> Lwt.return (Perform.problem "the child of a fork fails")
            in
            wait ())
  in
  Lwt_main.run (Lwt.join [ run case; child ]);
  report ();
  finish ()

(* Any of Lwt's own promises may be lost by them, and none of Rust's futures. *)
(* The same without a storm, in three lines; see doc/safety.md. *)
let crashes_in_lwt () =
  Rust_half.Crash.tell_crashes_of_lwt ();
  let x, _ = Lwt.task () in
  let p = Lwt.catch (fun () -> x) (fun _ -> Lwt.return ()) in
  Lwt.cancel (Lwt.join [ Lwt.protected p; x ])

let alarms programs milliseconds =
  Rust_half.Crash.tell_crashes_of_lwt ();
  let until = Unix.gettimeofday () +. (0.001 *. float milliseconds) in
  let timer interval = ignore (Unix.setitimer ITIMER_REAL { it_interval = interval; it_value = interval } : Unix.interval_timer_status) in
  let started = ref [] in
  let start program = started := settled (Perform.guarded program) :: !started in
  (* Again and again: an exception may come anywhere. *)
  let rec through f = try f () with Alarm -> through f in
  let left = ref programs in
  let rec start_all () =
    match !left with
    | [] -> ()
    | program :: rest ->
        left := rest;
        start program;
        start_all ()
  in
  let storm () =
    Sys.set_signal Sys.sigalrm (Signal_handle (fun _ -> raise Alarm));
    timer 0.0001;
    through start_all;
    through (fun () ->
        while Unix.gettimeofday () < until do
          Lwt_main.run (Lwt_unix.sleep 0.0005)
        done);
    (* Not ignored: one that has come may be handled later, on another thread, by the handler that is there then. *)
    Sys.set_signal Sys.sigalrm (Signal_handle ignore);
    timer 0.
  in
  through storm;
  through (fun () -> Lwt_main.run (Lwt_unix.sleep 0.001));
  (* Both loops still work. *)
  through (fun () -> Lwt_main.run (Lwt.bind (Rust_half.on_tokio (Then [| Yields 2; Timer 1 |]) (Perform.env ())) (fun _ -> Lwt.return_unit)));
  (* What was begun in the middle of an exception. *)
  Perform.problems := List.filter (Perform.has_prefix "exception") !Perform.problems;
  through (fun () -> Rust_async.shutdown ());
  through (fun () -> Lwt_main.run (Lwt_unix.sleep 0.001));
  let { Rust_async.tasks; subscriptions; _ } = Rust_async.stats () in
  if tasks + subscriptions > 0 then Perform.problem "%d tasks and %d subscriptions are left after a shutdown" tasks subscriptions;
  report ();
  finish ()

let last case =
  match case.last with
  | Returns ->
      one case;
      finish ()
  | Exits turns -> exits case.programs turns
  | Shuts_down turns -> shuts_down case.programs turns
  | Forks turns -> forks case turns
  | Alarms milliseconds -> alarms case.programs milliseconds
  | Hosts _ -> failwith "its main is Rust's: fuzz-host runs it"

let file name =
  let channel = open_in_bin name in
  let case : case = Marshal.from_channel channel in
  close_in channel;
  start ~workers:(match case.last with Forks _ -> false | _ -> true) ();
  say "case 0";
  last case

(* Those of the names, or all. *)
let kept ~times names =
  start ();
  let chosen (name, _) = names = [] || List.mem name names in
  let cases = List.filter chosen (List.sort compare !Kept.all) in
  for _ = 1 to times do
    List.iter
      (fun (name, case) ->
        say "kept %s" name;
        if case.Rules.last = Returns then one case)
      cases
  done;
  say "done"
