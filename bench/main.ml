(* The benchmark: one list of cases, its baselines among them. See README.md. *)

open Lwt.Syntax

let cases =
  Baselines.all @ Calls.all @ Objects.all @ Callbacks.all @ Crossings.all @ On_tokio.all @ Domains.all @ Streams.all @ Arrays.all @ Messages.all

let prefix = ref ""
let only = ref ""
let json = ref ""
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
  List.filter (fun case -> List.mem case.Case.name names) cases

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

let all_numbers results late memory =
  List.for_all (fun { Measure.rounds; _ } -> Float.is_finite (Measure.median rounds)) results
  && List.for_all (fun { Lateness.late; _ } -> Float.is_finite (Measure.median late)) late
  && List.for_all (fun { Memory.rust; ocaml; left; _ } -> Float.is_finite (rust +. ocaml +. left)) memory

let progress line = if not !quick then Printf.eprintf "%s\n%!" line

let main () =
  let plan = { Measure.rounds = max 1 !rounds; seconds = !seconds; busy = !busy } in
  let* results, failures = Measure.run plan ~progress (by_family (selected ())) in
  let results = in_order_of_list results in
  Report.cases results;
  let* late =
    List.filter (fun timer -> is_wanted timer.Lateness.name) Lateness.all
    |> Lwt_list.map_s (fun timer ->
           progress timer.Lateness.name;
           let+ late = timer.run (5. *. plan.seconds) in
           { Lateness.timer; late })
  in
  Report.lateness late;
  let+ memory =
    List.filter (fun kind -> is_wanted kind.Memory.name) Memory.all
    |> Lwt_list.map_s (Memory.run (if !quick then 1_000 else 100_000))
  in
  Report.memory memory;
  Printf.printf "peak of the whole process: %s MB\n" (Report.megabytes (Process.peak ()));
  Report.failures failures;
  if !json <> "" then Json.write_file !json (Report.json plan results late memory);
  if results = [] && late = [] && memory = [] then failwith (Printf.sprintf "no such case: %s%s" !only !prefix);
  failures = [] && all_numbers results late memory

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
  else
    Printf.printf "OCaml %s, Lwt %s, %s, load %s\n\n%!" Sys.ocaml_version Versions.lwt (Process.processor ())
      (Process.load ());
  if not (Lwt_main.run (if !counts then count () else main ())) then exit 1
