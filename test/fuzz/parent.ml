(* Runs children, each with many cases, watches them, and makes the smallest case of one that fails. *)

open Rust_half

let seconds = ref 60.
let seed = ref (-1)
let count = ref 400
let keep = ref ""
let limit = ref 60.
let shrinks = ref true
let exe = Sys.executable_name

(* The program whose [main] is Rust's. *)
let host = ref "target/debug/fuzz-host"

let has_hosts = ref true

(* Storms that have ended in Lwt's own code: see [lwt_alone.ml]. *)
let crashes_of_lwt = ref 0

type ended = Passed | Failed of { case : int; why : string }

(* A child that was started: its lines, and how long since the last. *)
let run ?(env = []) ?(limit = !limit) ?hosted arguments =
  let program = if hosted = None then exe else !host in
  let read, write = Unix.pipe ~cloexec:true () in
  let environment = Array.append (Array.of_list env) (Unix.environment ()) in
  let log = Filename.temp_file "fuzz" ".err" in
  let errors = Unix.openfile log [ O_WRONLY; O_APPEND; O_CLOEXEC ] 0 in
  let pid = Unix.create_process_env program (Array.of_list (program :: arguments)) environment Unix.stdin write errors in
  Unix.close write;
  Unix.close errors;
  let expected = ref None and case = ref (-1) and problems = ref [] and done_ = ref false in
  let in_lwt = ref false in
  let kept = ref None and acknowledged = ref None and began = ref None and ended = ref None in
  let heard line =
    match String.index_opt line ' ' with
    | None -> if line = "done" then done_ := true
    | Some i -> (
        let rest = String.sub line (i + 1) (String.length line - i - 1) in
        match String.sub line 0 i with
        | "expect" -> expected := Some (int_of_string rest)
        | "case" -> case := int_of_string rest
        | "journal" -> kept := Some (int_of_string rest)
        | "acknowledged" -> acknowledged := Some (Scanf.sscanf rest "%d %d" (fun acknowledged asked -> (acknowledged, asked)))
        | "began" -> began := Some rest
        | "ended" -> ended := Some rest
        | "in_lwt" -> in_lwt := true
        | "problem" -> problems := rest :: !problems
        | "met" -> Scanf.sscanf rest "%d %[^|]|%s" (fun times row column -> Table.add row column times)
        | _ -> ())
  in
  let pending = Buffer.create 100 and bytes = Bytes.create 65536 in
  let take n =
    for i = 0 to n - 1 do
      match Bytes.get bytes i with
      | '\n' ->
          heard (Buffer.contents pending);
          Buffer.clear pending
      | c -> Buffer.add_char pending c
    done
  in
  let rec follow () =
    match Unix.select [ read ] [] [] limit with
    | [], _, _ ->
        problems := Printf.sprintf "nothing happens for %g seconds" limit :: !problems;
        let stacks = Printf.sprintf "gdb -p %d -batch -ex 'thread apply all bt 30' 2>/dev/null | grep '^#\\|^Thread' >&2" pid in
        if Sys.command "command -v gdb >/dev/null" = 0 then ignore (Sys.command stacks);
        Unix.kill pid Sys.sigkill
    | _ ->
        let n = Unix.read read bytes 0 (Bytes.length bytes) in
        if n > 0 then begin
          take n;
          follow ()
        end
    | exception Unix.Unix_error (EINTR, _, _) -> follow ()
  in
  follow ();
  Unix.close read;
  let _, status = Unix.waitpid [] pid in
  (match (!acknowledged, !kept) with
  | None, _ -> ()
  | Some (acknowledged, asked), Some kept when Model.journal ~asked ~acknowledged kept -> ()
  | Some (acknowledged, asked), kept ->
      let kept = Option.fold ~none:"no hook has told" ~some:string_of_int kept in
      problems := Printf.sprintf "%d were to be written, %d are said to be, and OCaml has at its end: %s" asked acknowledged kept :: !problems);
  let differs what allowed seen =
    let shown = Option.value ~default:"nothing" in
    if allowed <> seen then problems := Printf.sprintf "%s: %s, and not %s" what (shown seen) (shown allowed) :: !problems
  in
  let says_more { begins; ends; _ } =
    differs "the start gives" (Some (Model.began begins)) !began;
    differs "OCaml ends with" (if Model.has_ocaml begins then Model.ended ends else None) !ended
  in
  if !problems = [] then Option.iter says_more hosted;
  let errors =
    let channel = open_in_bin log in
    let length = in_channel_length channel in
    seek_in channel (max 0 (length - 1500));
    let text = really_input_string channel (min 1500 length) in
    close_in channel;
    Sys.remove log;
    if text = "" then [] else [ "standard error: " ^ text ]
  in
  let status =
    match status with
    | WEXITED 0 when !done_ -> []
    | WEXITED n when Some n = !expected -> []
    | WEXITED 86 when !in_lwt ->
        incr crashes_of_lwt;
        []
    | WEXITED 1 when !problems <> [] -> []
    | WEXITED n -> [ Printf.sprintf "exit status %d" n ]
    | WSIGNALED n | WSTOPPED n -> [ Printf.sprintf "signal %d" n ]
  in
  match status @ !problems with
  | [] -> Passed
  | why -> Failed { case = !case; why = String.concat "; " (why @ errors) }

let run_host ?env ?limit hosted arguments =
  let runtime = if hosted.one_thread then "one" else "several" in
  run ?env ?limit ~hosted (runtime :: Source.begins hosted.begins :: arguments)

let run_file ?limit case =
  let name = Filename.temp_file "fuzz" ".case" in
  let channel = open_out_bin name in
  Marshal.to_channel channel (case : Rules.case) [];
  close_out channel;
  let ended =
    match case.last with
    | Hosts hosted -> run_host ?limit hosted [ "--file"; name ]
    | _ -> run ?limit [ "--file"; name ]
  in
  Sys.remove name;
  ended

(* What fails one time in so many fails here. *)
let rec fails times case =
  if times = 0 then None
  else match run_file ~limit:25. case with Failed { why; _ } -> Some why | Passed -> fails (times - 1) case

let rec smallest ~until ~times case why =
  let rec first = function
    | [] -> (case, why)
    | smaller :: rest ->
        if Unix.gettimeofday () > until then (case, why)
        else (
          match fails times smaller with
          | Some why -> smallest ~until ~times smaller why
          | None -> first rest)
  in
  first (Shrink.case case)

let kept case why =
  if !keep <> "" then begin
    let text = Source.case case in
    let name = Printf.sprintf "%s/case_%08x.ml" !keep (Hashtbl.hash text) in
    let channel = open_out name in
    Printf.fprintf channel "(* %s *)\n\nlet () = Kept.add __MODULE__ %s\n" why text;
    close_out channel;
    Printf.printf "kept as %s\n%!" name
  end

let found ~env case_seed case why =
  Printf.printf "FAILED: seed %d%s: %s\n%s\n%!" case_seed (String.concat " " ("" :: env)) why (Source.case case);
  let rec times = function
    | [] -> None
    | n :: rest -> ( match fails n case with Some why -> Some (n, why) | None -> times rest)
  in
  if not !shrinks then exit 1;
  (match times [ 1; 5; 30 ] with
  | None -> Printf.printf "It does not fail in a process of its own: fuzz.exe --many %d 1\n%!" case_seed
  | Some (times, why) ->
      let until = Unix.gettimeofday () +. 120. in
      let case, why = smallest ~until ~times:(min 30 (3 * times)) case why in
      Printf.printf "The smallest that fails: %s\n%s\n\n%s\n%!" why (Source.case case) (Show.case case);
      kept case why);
  exit 1

(* What the collector does, as the seed says. *)
let environments = [| []; []; [ "OCAMLRUNPARAM=s=256,v=0" ]; [ "OCAMLRUNPARAM=s=4k,o=20,v=0" ]; [ "OCAMLRUNPARAM=b,v=0" ]; [ "RUST_BACKTRACE=full" ]; [ "FUZZ_MEMPROF=1" ] |]

let row_of_last (last : Rules.last) =
  match last with
  | Returns -> "a process: returns"
  | Exits _ -> "a process: exit"
  | Shuts_down _ -> "a process: shutdown"
  | Forks _ -> "a process: fork"
  | Alarms _ -> "a process: alarms"
  | Hosts _ -> "a process: a host"

(* So many cases meet everything, whichever they are. *)
let enough = 10_000

(* Many cases in one host, and hosts that end while they run. *)
let hosts ~env from =
  let any = Generate.to_the_end (Generate.at from) in
  let count = if from / !count mod 4 = 0 then !count else !count / 4 in
  (match run_host ~env any [ "--many"; string_of_int from; string_of_int count ] with
  | Passed -> ()
  | Failed { case; why } ->
      let seed = max case from in
      found ~env seed (Generate.case ~last:(fun t -> Hosts { (Generate.to_the_end t) with one_thread = any.one_thread }) seed) why);
  for i = 0 to 7 do
    let from = from + i in
    let case = Generate.case ~last:(Generate.host from) from in
    match run_file case with Passed -> Table.met (row_of_last case.last) "value" | Failed { why; _ } -> found ~env:[] from case why
  done

let fuzz () =
  if !seed < 0 then begin
    Random.self_init ();
    seed := Random.bits ()
  end;
  Printf.printf "seed %d, OCaml %s\n%!" !seed Sys.ocaml_version;
  (match run [ "--crash-in-lwt" ] with
  | Passed when !crashes_of_lwt = 1 -> crashes_of_lwt := 0
  | _ -> print_endline "a crash in Lwt's own code is not known from others here: each is a finding");
  (match run [ "--kept"; "3" ] with
  | Passed -> ()
  | Failed { why; _ } ->
      Printf.printf "FAILED: seed 0: a case that was kept: %s\n" why;
      exit 1);
  let ends_its_process (name, (case : Rules.case)) =
    let can_run = match case.last with Returns -> false | Hosts _ -> !has_hosts | _ -> true in
    if can_run then
      match fails 3 case with
      | None -> ()
      | Some why ->
          Printf.printf "FAILED: seed 0: %s, which was kept: %s\n" name why;
          exit 1
  in
  List.iter ends_its_process !Kept.all;
  let began = Unix.gettimeofday () in
  let cases = ref 0 and ends = ref 0 in
  while Unix.gettimeofday () < began +. !seconds do
    let from = !seed + !cases in
    let env = environments.(from / !count mod Array.length environments) in
    if !has_hosts then hosts ~env from;
    (match run ~env [ "--many"; string_of_int from; string_of_int !count ] with
    | Passed -> ()
    | Failed { case; why } -> found ~env case (Generate.case case) why);
    for i = 0 to 7 do
      let from = from + i in
      let case = Generate.case ~last:Generate.last from in
      match run_file case with Passed -> Table.met (row_of_last case.last) "value" | Failed { why; _ } -> found ~env:[] from case why
    done;
    cases := !cases + !count;
    ends := !ends + if !has_hosts then 16 else 8
  done;
  Table.print ();
  let took = Unix.gettimeofday () -. began in
  (* The fuzzer has a fault itself. *)
  if !cases >= enough then begin
    let never = Table.never_met ~hosts:!has_hosts in
    List.iter (fun (row, column) -> Printf.printf "FAILED: in %d cases never met: %s, %s\n" !cases row column) never;
    if never <> [] then exit 1
  end;
  if !crashes_of_lwt > 0 then Printf.printf "%d storms of exceptions ended in a crash of Lwt's own\n" !crashes_of_lwt;
  Printf.printf "%d cases, and %d that end their process, in %.0f s, none of which failed\n" !cases !ends took

let main () =
  let options =
    [
      ("--seconds", Arg.Set_float seconds, "S for so long (60)");
      ("--seed", Arg.Set_int seed, "N begin with this seed");
      ("--count", Arg.Set_int count, "N so many cases in a process (400)");
      ("--host", Arg.Set_string host, "PROGRAM the one whose main is Rust's (target/debug/fuzz-host)");
      ("--no-hosts", Arg.Clear has_hosts, " without it");
      ("--keep", Arg.Set_string keep, "DIR keep the smallest case that fails here");
      ("--limit", Arg.Set_float limit, "S a case that takes longer hangs (60)");
      ("--no-shrink", Arg.Clear shrinks, " stop at the first that fails, as it is");
      ("--print", Arg.Int (fun seed -> print_endline (Source.case (Generate.case seed)); exit 0), "N the case of this seed");
    ]
  in
  Arg.parse (Arg.align options) (fun argument -> raise (Arg.Bad argument)) "fuzz.exe [options]";
  if !has_hosts && not (Sys.file_exists !host) then begin
    prerr_endline "fuzz.exe: the program whose main is Rust's is not there: cargo build -p fuzz-host, or --no-hosts";
    exit 2
  end;
  fuzz ()
[@@ocamlformat "disable"]
