(* What the system knows of this process and of its machine. Linux's /proc; elsewhere there is nothing to show. *)

let lines path =
  match open_in path with
  | exception Sys_error _ -> []
  | channel ->
      let rec read lines =
        match input_line channel with line -> read (line :: lines) | exception End_of_file -> lines
      in
      Fun.protect ~finally:(fun () -> close_in channel) (fun () -> List.rev (read []))

(* The text behind [key] and a colon. *)
let field path key =
  List.find_map
    (fun line ->
      match String.index_opt line ':' with
      | Some colon when String.trim (String.sub line 0 colon) = key ->
          Some (String.trim (String.sub line (colon + 1) (String.length line - colon - 1)))
      | _ -> None)
    (lines path)

let kilobytes key =
  match field "/proc/self/status" key with Some text -> Scanf.sscanf text "%d kB" Fun.id | None -> 0

(** Bytes. *)
let resident () = 1024 * kilobytes "VmRSS"

let peak () = 1024 * kilobytes "VmHWM"

(** Has [peak] begin anew. *)
let forget_peak () =
  match open_out "/proc/self/clear_refs" with
  | exception Sys_error _ -> ()
  | channel -> ( try output_string channel "5"; close_out channel with Sys_error _ -> close_out_noerr channel)

(** How often a thread of this process has gone to sleep. *)
let voluntary_switches () =
  let of_thread thread =
    match field (Printf.sprintf "/proc/self/task/%s/status" thread) "voluntary_ctxt_switches" with
    | Some text -> int_of_string text
    | None -> 0
  in
  match Sys.readdir "/proc/self/task" with
  | exception Sys_error _ -> 0
  | threads -> Array.fold_left (fun sum thread -> sum + of_thread thread) 0 threads

let processor () = Option.value ~default:"?" (field "/proc/cpuinfo" "model name")

(** How many processors the system shows. *)
let how_many () =
  List.length (List.filter (fun line -> String.starts_with ~prefix:"processor\t" line) (lines "/proc/cpuinfo"))

(** The name and release of the system. *)
let system () =
  let name line = try Some (Scanf.sscanf line "PRETTY_NAME=%S" Fun.id) with Scanf.Scan_failure _ | End_of_file -> None in
  Option.value ~default:"?" (List.find_map name (lines "/etc/os-release"))

(** The day, in UTC. *)
let today () =
  let { Unix.tm_year; tm_mon; tm_mday; _ } = Unix.gmtime (Unix.time ()) in
  Printf.sprintf "%d-%02d-%02d" (tm_year + 1900) (tm_mon + 1) tm_mday

let load () = match lines "/proc/loadavg" with line :: _ -> line | [] -> "?"

(* In jiffies since the machine was started: what its processors did, in all and for anybody. A guest's time, the eighth
   number's followers, is in the first two already. *)
let processors () =
  match lines "/proc/stat" with
  | line :: _ -> (
      match List.filter_map float_of_string_opt (String.split_on_char ' ' line) with
      | user :: nice :: system :: idle :: wait :: rest ->
          let rest = List.fold_left ( +. ) 0. (List.filteri (fun i _ -> i < 3) rest) in
          Some (user +. nice +. system +. rest, user +. nice +. system +. rest +. idle +. wait)
      | _ -> None)
  | [] -> None

(** The share of the processors that somebody uses while this process sleeps for so many seconds. None: the system does not say. *)
let busy seconds =
  let before = processors () in
  Unix.sleepf seconds;
  match (before, processors ()) with
  | Some (used_before, all_before), Some (used, all) when all > all_before ->
      Some ((used -. used_before) /. (all -. all_before))
  | _ -> None
