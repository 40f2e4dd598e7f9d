(* The same work on both sides, in turns; and the fold in Rust alone. Each has a process of its own, as its users have it. bench.sh
   runs this. *)

open Work

type seen = { seconds : float; processor : float; sum : int }

(* A side is asked for a case. *)
let side program arguments =
  let answers, questions = Unix.open_process_args program (Array.of_list (program :: arguments)) in
  let ask case =
    output_value questions (case : case);
    flush questions;
    let seconds, processor, sum = (input_value answers : float * float * int) in
    { seconds; processor; sum }
  in
  (ask, Unix.process_pid (answers, questions))

(* The most memory that a process has had, in MB. *)
let most_memory pid =
  let file = open_in (Printf.sprintf "/proc/%d/status" pid) in
  let rec find () =
    let line = input_line file in
    try Scanf.sscanf line "VmHWM: %d kB" (fun kilobytes -> kilobytes / 1000) with Scanf.Scan_failure _ -> find ()
  in
  Fun.protect find ~finally:(fun () -> close_in file)

(* Rust alone says by itself how long it has taken, without its start. *)
let floor program url () =
  let answer = Unix.open_process_args_in program [| program; url |] in
  let line = input_line answer in
  ignore (Unix.close_process_in answer : Unix.process_status);
  Scanf.sscanf line "%f %f %d" (fun seconds processor sum -> { seconds; processor; sum })

let median values = List.nth (List.sort compare values) (List.length values / 2)

let title () =
  Printf.printf "%-30s %-7s %10s %10s %6s   %8s %8s %6s\n" "" "" "rows/s" "" "" "us/row" "" "";
  Printf.printf "%-30s %-7s %10s %10s %6s   %8s %8s %6s\n%!" "" "beside" "rust_db" "other" "ratio" "rust_db" "other" "ratio"

(* Medians of the rounds. A ratio is that of each round: what disturbs a round mostly disturbs both of it. More than 1 is better for
   [rust_db]. The time in the second half is that on the processor. *)
let print name rows ours other theirs =
  let rows = float_of_int rows in
  let speed seen = rows /. seen.seconds and time seen = 1e6 *. seen.processor /. rows in
  let ratio f = median (List.map2 (fun ours theirs -> f theirs /. f ours) ours theirs) in
  Printf.printf "%-30s %-7s %10.0f %10.0f %6.2f   %8.2f %8.2f %6.2f\n%!" name other
    (median (List.map speed ours))
    (median (List.map speed theirs))
    (ratio (fun seen -> seen.seconds))
    (median (List.map time ours))
    (median (List.map time theirs))
    (ratio (fun seen -> seen.processor))

let compare_sides ~rounds ours theirs floor (case, name, rows) =
  let emptied side =
    if case = Insert || case = Bulk then ignore (ours Empty : seen);
    side ()
  in
  let round () =
    let mine = emptied (fun () -> ours case) in
    let other = emptied (fun () -> theirs case) in
    let alone = if case = Scan then Some (floor ()) else None in
    let is_right seen = seen.sum = mine.sum in
    if not (is_right other && Option.fold ~none:true ~some:is_right alone) then failwith (name ^ ": the sums differ");
    (mine, other, alone)
  in
  ignore (round () : seen * seen * seen option); (* opens the connections, and prepares the statements *)
  let seen = List.init rounds (fun _ -> round ()) in
  let mine = List.map (fun (mine, _, _) -> mine) seen in
  print name rows mine "caqti" (List.map (fun (_, other, _) -> other) seen);
  match List.filter_map (fun (_, _, alone) -> alone) seen with [] -> () | alone -> print name rows mine "Rust" alone

let () =
  let arguments = ref [] and rounds = ref 5 and rows = ref 1_000_000 and count = ref 10_000 and only = ref "" in
  Arg.parse
    [
      ("--rounds", Arg.Set_int rounds, "N");
      ("--rows", Arg.Set_int rows, "N how many the scan reads");
      ("--queries", Arg.Set_int count, "N how many point queries and inserts there are in a round");
      ("--only", Arg.Set_string only, "NAME of a case");
    ]
    (fun argument -> arguments := argument :: !arguments)
    "main.exe [OPTION]… URL OURS THEIRS FLOOR: the URL of an empty database, and three programs";
  match List.rev !arguments with
  | [ url; ours; theirs; alone ] ->
      let side program = side program [ url; string_of_int !rows; string_of_int !count ] in
      let ours, our_pid = side ours in
      ignore (ours Fill : seen);
      let theirs, their_pid = side theirs in
      title ();
      measured ~rows:!rows ~count:!count
      |> List.filter (fun (_, name, _) -> !only = "" || !only = name)
      |> List.iter (compare_sides ~rounds:!rounds ours theirs (floor alone url));
      Printf.printf "the most memory, in MB: rust_db %d, caqti %d\n%!" (most_memory our_pid) (most_memory their_pid)
  | _ -> failwith "main.exe --help"
