(* Thousands of operations in flight, of every kind, in rounds. Each is to end as it must; and at the end of a round the
   bridge has nothing left, and memory is what it was. See README.md. *)

open Lwt.Syntax
module Pool = Rust_async.Domain_pool

external silence_panics : unit -> unit = "stress_silence_panics"
let live_memory = Rust_half.Memory.memory_live

let seed = ref (-1)
let seconds = ref 120.
let rounds = ref 4
let in_flight = ref 10_000
let print = ref (-1)
let run = ref ""

let options =
  [
    ("--seed", Arg.Set_int seed, "N  which operations (default: other ones each time)");
    ("--seconds", Arg.Set_float seconds, "S  how long, of all rounds (120)");
    ("--rounds", Arg.Set_int rounds, "N  how many (4)");
    ("--in-flight", Arg.Set_int in_flight, "N  operations at a time (10000)");
    ("--print", Arg.Set_int print, "N  say what operation N of the seed is, and end");
    ("--run", Arg.Set_string run, "FILE  without the process that watches; it says in FILE what happens");
  ]

(* It may hang in a full machine for some time. *)
let patience = 60.

let failed format =
  Printf.ksprintf
    (fun text ->
      Printf.printf "FAILED, seed %d, %d in flight: %s\n%!" !seed !in_flight text;
      (* At once, with everything in its place. *)
      Unix._exit 1)
    format

(* What came of the operations of a round. *)
type tally = { mutable values : int; mutable errors : int; mutable cancelled : int }

(* Panics of tasks that nobody joins any more, since what awaited them was cancelled. *)
let unheard : (string, unit) Hashtbl.t = Hashtbl.create 100

let () =
  Lwt.async_exception_hook :=
    function
    | Rust_async.Rust_panic { message; _ } when Hashtbl.mem unheard message -> ()
    | exn -> failed "the hook for asynchronous exceptions was told %s" (Printexc.to_string exn)

exception Late

let said = function Ok value -> Printf.sprintf "the value %d" value | Error exn -> Printexc.to_string exn

let perform progress tally pool (operation : Operation.t) =
  Progress.began progress operation.kind;
  Option.iter (fun collect -> collect ()) operation.collects;
  if operation.fate <> Left_alone && operation.given.ending = Panic then
    Hashtbl.replace unheard (Printf.sprintf "panic of %d" operation.given.number) ();
  let promise, may_end =
    try Crossing.start pool operation
    with exn -> failed "%s, raised %s" (Operation.describe operation) (Printexc.to_string exn)
  in
  let promise =
    match operation.fate with
    | Left_alone -> promise
    | Cancelled turns ->
        Lwt.async (fun () -> Lwt.map (fun () -> Lwt.cancel promise) (Crossing.pauses turns));
        promise
    | Raced seconds -> Lwt.pick [ promise; Lwt.bind (Lwt_unix.sleep seconds) (fun () -> Lwt.fail Late) ]
  in
  let+ ending = Lwt.try_bind (fun () -> promise) Lwt.return_ok Lwt.return_error in
  (match (ending, operation.fate) with
  | Error Lwt.Canceled, Cancelled _ | Error Late, Raced _ -> tally.cancelled <- tally.cancelled + 1
  | ending, _ when may_end ending -> (
      match ending with Ok _ -> tally.values <- tally.values + 1 | Error _ -> tally.errors <- tally.errors + 1)
  | ending, _ -> failed "%s, ended with %s" (Operation.describe operation) (said ending));
  Progress.ended progress operation.kind

let number = ref 0

(* [in_flight] of these at a time. *)
let rec lane progress tally pool until =
  if Unix.gettimeofday () > until then Lwt.return_unit
  else
    let operation = Operation.decide ~seed:!seed ~domains:(pool <> None) !number in
    incr number;
    let* () = perform progress tally pool operation in
    let* () = Lwt.pause () in
    lane progress tally pool until

(* Some end only by a collection, and one that is alone in flight would wait for it to the end of the round. *)
let rec collecting_until promise =
  if Lwt.is_sleeping promise then
    let* () = Lwt.choose [ promise; Lwt_unix.sleep 0.2 ] in
    Gc.full_major ();
    collecting_until promise
  else promise
[@@ocamlformat "disable"]

let kept () =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects; loans } = Rust_async.stats () in
  Printf.sprintf "%d tasks, %d subscriptions, %d roots, %d objects, %d loans" tasks subscriptions roots objects loans

let rec nothing_is_kept since =
  let kept = kept () in
  if kept = "0 tasks, 0 subscriptions, 0 roots, 0 objects, 0 loans" then Lwt.return_unit
  else if Unix.gettimeofday () > since +. 30. then failed "the bridge keeps %s when all have ended" kept
  else
    let* () = Lwt_unix.sleep 0.01 in
    nothing_is_kept since

let resident () =
  let channel = open_in "/proc/self/statm" in
  let pages = Scanf.sscanf (input_line channel) "%d %d" (fun _ resident -> resident) in
  close_in channel;
  pages * 4096

(* Bytes of Rust's, and words of OCaml's. *)
let memory () =
  Hashtbl.reset unheard;
  Gc.compact ();
  let { Gc.live_words; _ } = Gc.stat () in
  let+ bytes = live_memory () in
  (bytes, live_words)

(* Not of what an operation leaves, which would be a hundred times as much, but of queues that have grown, and of how many
   threads Tokio has just now. *)
let rust_may_grow = 512 * 1024
let ocaml_may_grow = 64 * 1024

let round progress n =
  let began = Unix.gettimeofday () in
  let before = !number in
  let until = began +. (!seconds /. float !rounds) in
  let tally = { values = 0; errors = 0; cancelled = 0 } in
  let pool = try Some (Pool.create ~domains:2) with Failure _ -> None in
  let lanes = Lwt.join (List.init !in_flight (fun _ -> lane progress tally pool until)) in
  let* () = collecting_until lanes in
  let* () = Option.fold ~none:Lwt.return_unit ~some:Pool.shutdown pool in
  let* () = nothing_is_kept (Unix.gettimeofday ()) in
  Progress.step progress;
  let+ bytes, words = memory () in
  let took = Unix.gettimeofday () -. began and operations = !number - before in
  Printf.printf "%5d %8.1f %10d %8.0f %10d %10d %10d %10d %10d %8d\n%!" n took operations (float operations /. took)
    tally.values tally.errors tally.cancelled (bytes / 1024) (words / 1024)
    (resident () / 1024 / 1024);
  (bytes, words)

let rec all_rounds progress n first =
  if n > !rounds then Lwt.return_unit
  else
    let* bytes, words = round progress n in
    (* The first grows queues and starts threads. *)
    let first = if n <= 2 then (bytes, words) else first in
    let more_bytes = bytes - fst first and more_words = words - snd first in
    if more_bytes > rust_may_grow then failed "Rust keeps %d bytes more than after round 2" more_bytes;
    if more_words > ocaml_may_grow then failed "OCaml keeps %d words more than after round 2" more_words;
    all_rounds progress (n + 1) first

let run_here file =
  let progress = Progress.at file in
  Unix.putenv "RUST_BACKTRACE" "0";
  silence_panics ();
  Rust_async.configure ~worker_threads:3 ~max_blocking_threads:16 ();
  Printf.printf "seed %d, %d in flight, OCaml %s\n" !seed !in_flight Sys.ocaml_version;
  Printf.printf "%5s %8s %10s %8s %10s %10s %10s %10s %10s %8s\n%!" "round" "seconds" "operations" "a second" "values"
    "errors" "cancelled" "Rust, KiB" "OCaml, Kw" "RSS, MiB";
  Lwt_main.run (all_rounds progress 1 (0, 0))

let watch_another () =
  let file = Filename.temp_file "stress" ".progress" in
  Unix.truncate file (8 * ((2 * Progress.kinds) + 1));
  let text = string_of_int in
  let arguments =
    [ "--seed"; text !seed; "--seconds"; string_of_float !seconds; "--rounds"; text !rounds; "--in-flight"; text !in_flight;
      "--run"; file ]
  in
  let exe = Sys.executable_name in
  let pid = Unix.create_process exe (Array.of_list (exe :: arguments)) Unix.stdin Unix.stdout Unix.stderr in
  let status = Progress.watch (Progress.at file) pid ~patience in
  Sys.remove file;
  if status <> 0 then
    Printf.eprintf "again: stress.exe --seed %d --in-flight %d --rounds %d --seconds %g\n" !seed !in_flight !rounds !seconds;
  exit status
[@@ocamlformat "disable"]

let () =
  Arg.parse (Arg.align options) (fun argument -> raise (Arg.Bad argument)) "stress.exe [options]";
  if !seed < 0 then begin
    Random.self_init ();
    seed := Random.bits ()
  end;
  if !print >= 0 then
    let domains = Sys.ocaml_version >= "5" in
    print_endline (Operation.describe (Operation.decide ~seed:!seed ~domains !print))
  else if !run <> "" then run_here !run
  else watch_another ()
