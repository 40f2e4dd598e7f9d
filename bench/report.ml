(* The results, as tables for people and as JSON for machines. *)

open Measure

let rec with_commas n =
  if n < 1000 then string_of_int n else Printf.sprintf "%s,%03d" (with_commas (n / 1000)) (n mod 1000)

(** Nanoseconds. *)
let time n =
  if Float.is_nan n then "-"
  else if Float.abs n < 100. then Printf.sprintf "%.1f" n
  else if n < 0. then "-" ^ with_commas (int_of_float (-.n +. 0.5))
  else with_commas (int_of_float (n +. 0.5))

let milliseconds n = Printf.sprintf "%.3f" (n /. 1e6)
let megabytes n = Printf.sprintf "%.1f" (float n /. 1e6)
let ratio n = Printf.sprintf "%.2f ×" n

let bound = function
  | None -> ""
  | Some (Case.At_most n) -> time n
  | Some (Case.Times n) -> ratio n
  | Some (Case.More n) -> "+ " ^ time n

let verdict = function None -> "" | Some true -> "met" | Some false -> "MISSED"

(* The columns are as wide as their widest cell; all but the first two are set to the right. *)
let table header rows =
  (* Characters, not bytes. *)
  let length text =
    let characters = ref 0 in
    String.iter (fun c -> if Char.code c land 0xc0 <> 0x80 then incr characters) text;
    !characters
  in
  let widths = List.fold_left (List.map2 (fun width cell -> max width (length cell))) (List.map length header) rows in
  let line cells =
    List.combine widths cells
    |> List.mapi (fun i (width, cell) ->
           let space = String.make (width - length cell) ' ' in
           if i < 2 then cell ^ space else space ^ cell)
    |> String.concat "  "
  in
  List.iter (fun cells -> print_endline (line cells)) (header :: rows);
  print_newline ()

let group name = match String.index_opt name '/' with Some slash -> String.sub name 0 slash | None -> name

let wall_times times = List.map (fun { wall; _ } -> wall) times
let cpu_times times = List.map (fun { cpu; _ } -> cpu) times

let cases results =
  let row ({ case; times; rounds; ratio = of_baseline; more = _ } as result) =
    [
      case.Case.name;
      case.what;
      time (median (wall_times times));
      time (median (cpu_times times));
      Printf.sprintf "%.0f %%" (100. *. spread rounds);
      (match of_baseline with Some n -> ratio n | None -> "");
      Option.value ~default:"" case.baseline;
      bound case.bound;
      verdict (is_met result);
    ]
  in
  let groups =
    List.fold_left
      (fun groups { case; _ } ->
        let group = group case.Case.name in
        if List.mem group groups then groups else group :: groups)
      [] results
  in
  List.iter
    (fun wanted ->
      results
      |> List.filter (fun { case; _ } -> group case.Case.name = wanted)
      |> List.map row
      |> table [ wanted; ""; "ns"; "cpu"; "spread"; "ratio"; "to"; "at most"; "" ])
    (List.rev groups)

let late_is_met { Lateness.waited_for; times } =
  Option.map (fun bound -> quantile 0.99 times < bound) waited_for.bound

(* Of those, with a heading, and how a time is shown. *)
let waits heading what show results =
  let row ({ Lateness.waited_for; times } as result) =
    [ waited_for.name; waited_for.what ]
    @ List.map (fun q -> show (quantile q times)) [ 0.5; 0.9; 0.99; 0.999; 1. ]
    @ [
        string_of_int (List.length times);
        Option.fold ~none:"" ~some:show waited_for.bound;
        verdict (late_is_met result);
      ]
  in
  if results <> [] then
    table [ heading; what; "median"; "p90"; "p99"; "p99.9"; "worst"; "times"; "p99 below"; "" ] (List.map row results)

let lateness = waits "late" "a timer of 1 ms, late by (ms)" milliseconds
let latency = waits "latency" "a call takes (ns)" time

let memory results =
  let row { Memory.kind; calls; rust; ocaml; resident; left; peak } =
    let bytes n = with_commas (int_of_float (Float.round (Float.max 0. n))) in
    [
      kind.Memory.name;
      kind.what;
      bytes rust;
      bytes ocaml;
      bytes resident;
      bytes left;
      megabytes peak;
      with_commas calls;
    ]
  in
  if results <> [] then
    table
      [ "memory"; "bytes for each, while pending"; "Rust"; "OCaml"; "process"; "left"; "peak MB"; "of" ]
      (List.map row results)

let counts results =
  let row { Counts.case; turns; words; allocations; switches } =
    [
      case.Case.name;
      case.what;
      Printf.sprintf "%.3f" turns;
      Printf.sprintf "%.1f" words;
      Printf.sprintf "%.2f" allocations;
      Printf.sprintf "%.3f" switches;
    ]
  in
  table [ "for each operation"; ""; "turns"; "OCaml words"; "Rust allocations"; "waits" ] (List.map row results)

(** What is faster or slower than before, beyond the noise. *)
let differences differences =
  let row { Rust_half.name; before; after; change } =
    [
      name;
      (match change with Noise -> "" | Faster -> "faster" | Slower -> "SLOWER");
      time before;
      time after;
      ratio (after /. before);
    ]
  in
  let changed = List.filter (fun { Rust_half.change; _ } -> change <> Noise) (Array.to_list differences) in
  table [ "compared"; ""; "ns before"; "ns now"; "ratio" ] (List.map row changed);
  Printf.printf "%d of %d cases are within the noise: some round before was as fast as some round now\n"
    (Array.length differences - List.length changed)
    (Array.length differences)

(** Warns where something else ran while it was measured. *)
let unquiet results =
  let disturbed = List.filter (fun { rounds; _ } -> spread rounds > 0.2) results in
  if disturbed <> [] then
    Printf.printf "WARNING: %d of %d cases have a spread above 20 %%: something else was running\n" (List.length disturbed)
      (List.length results)

let failures failures =
  List.iter (fun { failed; error } -> Printf.eprintf "FAILED: %s: %s\n" failed.Case.name error) failures

(** [others]: the share of the processors that others used when it began. *)
let json (plan : Measure.plan) ~others results late latency memory =
  let open Json in
  let number n = Number n and numbers list = List (List.map (fun n -> Number n) list) in
  let case ({ case; times; rounds; ratio; more } as result) =
    Object
      [
        ("name", Text case.Case.name);
        ("what", Text case.what);
        ("wall_ns", numbers (wall_times times));
        ("cpu_ns", numbers (cpu_times times));
        ("median_ns", Number (median rounds));
        ("spread", Number (spread rounds));
        ("baseline", option (fun name -> Text name) case.baseline);
        ("ratio", option number ratio);
        ("more_ns", option number more);
        ("at_most_ns", match case.bound with Some (Case.At_most n) -> Number n | _ -> Null);
        ("at_most_ratio", match case.bound with Some (Case.Times n) -> Number n | _ -> Null);
        ("at_most_more_ns", match case.bound with Some (Case.More n) -> Number n | _ -> Null);
        ("met", option (fun met -> Bool met) (is_met result));
      ]
  in
  let waited ({ Lateness.waited_for; times } as result) =
    Object
      [
        ("name", Text waited_for.name);
        ("what", Text waited_for.what);
        ("samples", Number (float (Stdlib.List.length times)));
        ("median_ns", Number (median times));
        ("p90_ns", Number (quantile 0.9 times));
        ("p99_ns", Number (quantile 0.99 times));
        ("p999_ns", Number (quantile 0.999 times));
        ("worst_ns", Number (maximum times));
        ("p99_below_ns", option number waited_for.bound);
        ("met", option (fun met -> Bool met) (late_is_met result));
      ]
  in
  let kind { Memory.kind; calls; rust; ocaml; resident; left; peak } =
    Object
      [
        ("name", Text kind.Memory.name);
        ("what", Text kind.what);
        ("calls", Number (float calls));
        ("rust_bytes", Number rust);
        ("ocaml_bytes", Number ocaml);
        ("process_bytes", Number resident);
        ("left_bytes", Number left);
        ("peak_bytes", Number (float peak));
      ]
  in
  Object
    [
      ("ocaml", Text Sys.ocaml_version);
      ("lwt", Text Versions.lwt);
      ("system", Text (Process.system ()));
      ("processor", Text (Process.processor ()));
      ("processors", Number (float (Process.how_many ())));
      ("date", Text (Process.today ()));
      ("busy_before", option number others);
      ("rounds", Number (float plan.rounds));
      ("seconds", Number plan.seconds);
      ("judged_by", Text (if plan.busy then "cpu" else "wall"));
      ("cases", List (Stdlib.List.map case results));
      ("late", List (Stdlib.List.map waited late));
      ("latency", List (Stdlib.List.map waited latency));
      ("memory", List (Stdlib.List.map kind memory));
      ("peak_bytes", Number (float (Process.peak ())));
    ]
