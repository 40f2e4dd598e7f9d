type ending = Exit of int | Signal of int

type t = {
  law : string;
  run : unit -> unit;
  ending : ending;
  out : string list;
  err : string list;
  env : (string * string) list;
  at_least : float;
  at_most : float;
}

let case ?(ending = Exit 0) ?(out = []) ?(err = []) ?(env = []) ?(at_least = 0.) ?(at_most = 20.) law run =
  { law; run; ending; out; err; env; at_least; at_most }

let say format = Printf.ksprintf print_endline format

let check what holds =
  if not holds then begin
    prerr_endline ("does not hold: " ^ what);
    Unix._exit 99
  end

(* Where [part] ends in [text], looked for from [start]. *)
let find text ~start ~part =
  let n = String.length part in
  let rec look at =
    if at + n > String.length text then None
    else if String.sub text at n = part then Some (at + n)
    else look (at + 1)
  in
  look start

let contains text ~part = find text ~start:0 ~part <> None

(* The runner. *)

let has_in_order text parts =
  let next start part = Option.bind start (fun start -> find text ~start ~part) in
  List.fold_left next (Some 0) parts <> None

let read_all channel =
  let buffer = Buffer.create 1024 in
  (try
     while true do
       Buffer.add_channel buffer channel 1
     done
   with End_of_file -> ());
  Buffer.contents buffer

let read file =
  let channel = open_in_bin file in
  Fun.protect ~finally:(fun () -> close_in channel) (fun () -> read_all channel)

let with_file f =
  let file = Filename.temp_file "process" ".txt" in
  Fun.protect ~finally:(fun () -> Sys.remove file) (fun () -> f file)

let environment extra =
  let set (name, value) = name ^ "=" ^ value in
  let kept line = not (List.exists (fun (name, _) -> String.starts_with ~prefix:(name ^ "=") line) extra) in
  Array.of_list (List.map set extra @ List.filter kept (Array.to_list (Unix.environment ())))

(* What each thread of a process that hangs is doing, and of its children, where there is a debugger. *)
let stacks pid =
  let attach = "gdb -p $p -batch -ex 'thread apply all bt 40' 2>&1 | grep '^#\\|^Thread'" in
  let command = Printf.sprintf "for p in $(ps -o pid= --sid %d); do echo process $p; %s; done" pid attach in
  if Sys.command "command -v gdb ps >/dev/null" <> 0 then ""
  else
    let channel = Unix.open_process_in command in
    let text = read_all channel in
    ignore (Unix.close_process_in channel);
    text

(* The case's process leads a group of its own, so that nothing of it is left. Already gone is fine. *)
let kill_group pid = try Unix.kill (-pid) Sys.sigkill with Unix.Unix_error _ -> ()

let wait case ~began pid =
  let deadline = began +. case.at_most in
  let rec poll pause =
    match Unix.waitpid [ WNOHANG ] pid with
    | 0, _ when Unix.gettimeofday () > deadline ->
        let stacks = stacks pid in
        kill_group pid;
        ignore (Unix.waitpid [] pid);
        Error (Printf.sprintf "still runs after %g s\n%s" case.at_most stacks)
    | 0, _ ->
        Unix.sleepf pause;
        poll (Float.min 0.02 (pause *. 1.5))
    | _, status ->
        kill_group pid;
        let took = Unix.gettimeofday () -. began in
        if took < case.at_least then Error (Printf.sprintf "ended after %.3f s" took) else Ok status
  in
  poll 0.001

let describe = function
  | Unix.WEXITED n -> Printf.sprintf "exit status %d" n
  | WSIGNALED n | WSTOPPED n -> Printf.sprintf "signal %d" n

let expected = function Exit n -> Unix.WEXITED n | Signal n -> WSIGNALED n

(* Runs one case; what does not hold. *)
let problems case =
  with_file @@ fun out ->
  with_file @@ fun err ->
  let opened file = Unix.openfile file [ O_WRONLY; O_APPEND; O_CLOEXEC ] 0 in
  let out_fd = opened out and err_fd = opened err in
  let exe = Sys.executable_name in
  let arguments = [| exe; "--run"; case.law |] in
  (* Before it exists: this process may be slower than that one. *)
  let began = Unix.gettimeofday () in
  let pid = Unix.create_process_env exe arguments (environment case.env) Unix.stdin out_fd err_fd in
  Unix.close out_fd;
  Unix.close err_fd;
  let ended = wait case ~began pid in
  let out = read out and err = read err in
  let lines = List.filter (( <> ) "") (String.split_on_char '\n' out) in
  let ending =
    match ended with
    | Ok status when status = expected case.ending -> []
    | Ok status -> [ Printf.sprintf "%s, not %s" (describe status) (describe (expected case.ending)) ]
    | Error problem -> [ problem ]
  in
  let output = if lines = case.out then [] else [ "expected:\n  " ^ String.concat "\n  " case.out ] in
  let errors =
    match case.err with
    | [] when err <> "" -> [ "standard error is not empty" ]
    | parts when not (has_in_order err parts) -> [ "expected on standard error: " ^ String.concat " … " parts ]
    | _ -> []
  in
  let shown text = if String.length text < 2000 then text else String.sub text 0 2000 ^ "…\n" in
  match ending @ output @ errors with
  | [] -> None
  | problems ->
      Some
        (Printf.sprintf "FAILED: %s\n%s\n--- standard output\n%s--- standard error\n%s---" case.law
           (String.concat "\n" problems) (shown out) (shown err))

let run_all ~repeat cases =
  let failures = ref 0 in
  for _ = 1 to repeat do
    let report problem =
      incr failures;
      print_endline problem
    in
    List.iter (fun case -> Option.iter report (problems case)) cases
  done;
  if repeat > 1 || !failures > 0 then
    say "%s: %d cases, run %d times, %d failures" (Filename.basename Sys.executable_name) (List.length cases) repeat
      !failures;
  if !failures > 0 then exit 1

let main cases =
  let named law =
    match List.find_opt (fun case -> case.law = law) cases with
    | Some case -> case
    | None ->
        prerr_endline ("no such case: " ^ law);
        exit 2
  in
  let some = function [] -> cases | laws -> List.map named laws in
  match List.tl (Array.to_list Sys.argv) with
  | [ "--run"; law ] ->
      (* Fails where this process leads a group already: under a debugger. *)
      (try ignore (Unix.setsid ()) with Unix.Unix_error _ -> ());
      (named law).run ()
  | "--list" :: _ -> List.iter (fun case -> print_endline case.law) cases
  | "--repeat" :: n :: laws -> run_all ~repeat:(int_of_string n) (some laws)
  | laws -> run_all ~repeat:1 (some laws)
