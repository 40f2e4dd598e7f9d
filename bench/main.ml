(* The benchmark: one list of cases, its baselines among them. See README.md. *)

open Lwt.Syntax

let cases =
  Baselines.all @ Calls.all @ Curves.all @ Objects.all @ Callbacks.all @ Crossings.all @ On_tokio.all @ Domains.all @ Streams.all @ Arrays.all @ Messages.all

let prefix = ref ""
let only = ref ""
let json = ref ""
let compare_with = ref ""
let plot = ref ""
let quick = ref false
let rounds = ref 5
let seconds = ref 1.0
let busy = ref false
let counts = ref false

let options =
  [
    ("--case", Arg.Set_string prefix, "PREFIX  only the cases whose names begin so, and their baselines");
    ("--only", Arg.Set_string only, "NAME  that case, and no baseline: for a profiler");
    ("--json", Arg.Set_string json, "FILE  write the results there as well");
    ("--compare", Arg.Set_string compare_with, "FILE  say what is faster or slower than in that run, written with --json");
    ("--plot", Arg.Set_string plot, "FILE  draw the curves of many/ into an SVG file");
    ("--quick", Arg.Set quick, "  each case for a moment, to see that it works: the numbers mean nothing");
    ("--cpu", Arg.Set busy, "  judge by processor time, on a machine that is busy with something else");
    ("--counts", Arg.Set counts, "  instead of times: turns of the loop, allocations and waits for each operation");
    ("--rounds", Arg.Set_int rounds, "N  how often each case is measured (5)");
    ("--seconds", Arg.Set_float seconds, "S  for how long, each time (1.0)");
  ]

let is_wanted name =
  if !only <> "" then name = !only
  else String.length name >= String.length !prefix && String.sub name 0 (String.length !prefix) = !prefix

(* With the baselines, and theirs, in the order of the list. *)
let selected () =
  let rec close names =
    let more =
      List.filter_map
        (fun case ->
          if List.mem case.Case.name names then
            Option.bind case.baseline (fun name -> if List.mem name names then None else Some name)
          else None)
        cases
    in
    if more = [] then names else close (more @ names)
  in
  let wanted = List.filter is_wanted (List.map (fun case -> case.Case.name) cases) in
  let names = if !only <> "" then wanted else close wanted in
  let is_short case = (not !quick) || case.Case.size <= 10_000 in
  List.filter (fun case -> List.mem case.Case.name names && is_short case) cases

(* Next to each other what is compared with each other: the cases whose baselines lead to the same one. *)
let by_family selection =
  let rec origin case =
    match case.Case.baseline with
    | None -> case.name
    | Some name -> origin (List.find (fun case -> case.Case.name = name) cases)
  in
  let families = List.sort_uniq compare (List.map origin selection) in
  List.concat_map (fun name -> List.filter (fun case -> origin case = name) selection) families

let in_order_of_list results =
  List.filter_map (fun case -> List.find_opt (fun result -> result.Measure.case.name = case.Case.name) results) cases

let all_numbers results waits memory =
  List.for_all (fun { Measure.rounds; _ } -> Float.is_finite (Measure.median rounds)) results
  && List.for_all (fun { Lateness.times; _ } -> Float.is_finite (Measure.median times)) waits
  && List.for_all (fun { Memory.rust; ocaml; left; _ } -> Float.is_finite (rust +. ocaml +. left)) memory

let progress line = if not !quick then Printf.eprintf "%s\n%!" line

let with_file open_file close path f =
  let channel = open_file path in
  Fun.protect ~finally:(fun () -> close channel) (fun () -> f channel)

let write_file path text = with_file open_out close_out path (fun channel -> output_string channel text)
let read_file path = with_file open_in close_in path (fun channel -> really_input_string channel (in_channel_length channel))

(* Ours is not yet running: whatever runs is somebody else's. *)
let others = lazy (if !quick then None else Process.busy 0.5)

let warn_if_busy () =
  match Lazy.force others with
  | Some share when share > 0.05 && not !busy ->
      Printf.printf "WARNING: something else uses %.0f %% of the processors: the numbers mean little; --cpu judges by ours\n\n%!"
        (100. *. share)
  | _ -> ()

let main () =
  let plan = { Measure.rounds = max 1 !rounds; seconds = !seconds; busy = !busy } in
  let* results, failures = Measure.run plan ~progress (by_family (selected ())) in
  let results = in_order_of_list results in
  Report.cases results;
  let waits all =
    List.filter (fun wait -> is_wanted wait.Lateness.name) all
    |> Lwt_list.map_s (fun waited_for ->
           progress waited_for.Lateness.name;
           let+ times = waited_for.run (5. *. plan.seconds) in
           { Lateness.waited_for; times })
  in
  let* late = waits Lateness.timers in
  Report.lateness late;
  let* latency = waits Lateness.calls in
  Report.latency latency;
  let+ memory =
    List.filter (fun kind -> is_wanted kind.Memory.name) Memory.all
    |> Lwt_list.map_s (Memory.run (if !quick then 1_000 else 100_000))
  in
  Report.memory memory;
  Printf.printf "peak of the whole process: %s MB\n" (Report.megabytes (Process.peak ()));
  Report.failures failures;
  let run = lazy (Json.lines (Report.json plan ~others:(Lazy.force others) results late latency memory)) in
  if !json <> "" then write_file !json (Lazy.force run);
  if !compare_with <> "" then Report.differences (Rust_half.Results.bench_compare (read_file !compare_with) (Lazy.force run));
  if !plot <> "" then write_file !plot (Rust_half.Results.bench_curves (Lazy.force run));
  if not !quick then Report.unquiet results;
  if results = [] && late = [] && latency = [] && memory = [] then failwith (Printf.sprintf "no such case: %s%s" !only !prefix);
  failures = [] && all_numbers results (late @ latency) memory

let count () =
  let+ results = Lwt_list.map_s Counts.run (List.filter (fun case -> is_wanted case.Case.name) cases) in
  Report.counts results;
  true

let () =
  Arg.parse (Arg.align options) (fun argument -> raise (Arg.Bad argument)) "main.exe [options]";
  if !quick then begin
    rounds := 1;
    seconds := 0.01;
    (* A case that hangs ends the process instead. *)
    ignore (Unix.alarm 300 : int)
  end
  else begin
    Printf.printf "OCaml %s, Lwt %s, %s, load %s\n\n%!" Sys.ocaml_version Versions.lwt (Process.processor ())
      (Process.load ());
    warn_if_busy ()
  end;
  if not (Lwt_main.run (if !counts then count () else main ())) then exit 1
