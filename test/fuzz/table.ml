(* What was met: points of the API, and how they ended. What was never met is a fault of the fuzzer. *)

open Rust_half

module Counts = Map.Make (struct
  type t = string * string

  let compare = compare
end)

let counts : int Counts.t Atomic.t = Atomic.make Counts.empty

(* No lock: a signal handler that raises would leave it locked. *)
let rec add row column times =
  let before = Atomic.get counts in
  let more = function None -> Some times | Some before -> Some (before + times) in
  if not (Atomic.compare_and_set counts before (Counts.update (row, column) more before)) then add row column times

let met row column = add row column 1
let columns = [ "value"; "error"; "exception"; "panic"; "broken"; "cancelled"; "timeout"; "dropped"; "refused" ]

let row_of_kind = function
  | Func -> "func"
  | Detached -> "func, cancel = detach"
  | Tokio -> "func(tokio)"
  | Blocking -> "func(blocking)"
  | Sync -> "func(sync)"
  | Method -> "method"
  | MethodTokio -> "method, tokio"
  | MethodBlocking -> "method, blocking"
  | MethodSync -> "method, sync"
  | Resolver AtHome -> "Resolver, at home"
  | Resolver OnTokio -> "Resolver, on Tokio"
  | Resolver _ -> "Resolver, on threads"
  | SpawnLwt -> "spawn_lwt"
  | Lent AtHome -> "Lent, at home"
  | Lent OnTokio -> "Lent, on Tokio"
  | Lent _ -> "Lent, on threads"

let row_of node =
  match node with
  | CallRust (kind, _) -> Some (row_of_kind kind)
  | ReadRust { hesitates = true; _ } -> Some "Rust stream, reads cancelled"
  | ReadRust { ocaml_reader = ToTheEnd; _ } -> Some "Rust stream, to the end"
  | ReadRust { ocaml_reader = Closes _; _ } -> Some "Rust stream, closed"
  | ReadRust { ocaml_reader = LetsGo _; _ } -> Some "Rust stream, collected"
  | Job _ -> Some "Domain_pool.detach"
  | CancelAfter _ -> Some "Lwt.cancel"
  | Pick _ -> Some "Lwt.pick"
  | WithTimeout _ -> Some "Lwt_unix.with_timeout"
  | Owned _ -> Some "OwnedArray"
  | Backtrace _ -> Some "backtraces"
  | Fair Polls -> Some "fair: polls"
  | Fair Channel -> Some "fair: a channel"
  | Fair RustStream -> Some "fair: a Rust stream"
  | Fair LwtStream -> Some "fair: an OCaml stream"
  | _ -> None

let all () = Counts.fold (fun (row, column) times rest -> (row, column, times) :: rest) (Atomic.get counts) []
let times row column = Option.value ~default:0 (Counts.find_opt (row, column) (Atomic.get counts))

let print () =
  let rows = List.sort_uniq compare (List.map (fun (row, _, _) -> row) (all ())) in
  Printf.printf "%-34s" "";
  List.iter (Printf.printf "%10s") columns;
  print_newline ();
  let line row =
    Printf.printf "%-34s" row;
    List.iter (fun column -> Printf.printf "%10s" (match times row column with 0 -> "." | n -> string_of_int n)) columns;
    print_newline ()
  in
  List.iter line rows

(* What must have been met when enough cases have run. *)
let required =
  let all rows columns = List.concat_map (fun row -> List.map (fun column -> (row, column)) columns) rows in
  let endings = [ "value"; "error"; "exception"; "panic" ] in
  all [ "func(sync)"; "method, sync" ] endings
  @ all
      [
        "func"; "func, cancel = detach"; "func(tokio)"; "func(blocking)"; "method"; "method, tokio"; "method, blocking"; "spawn_lwt";
        "Resolver, at home"; "Resolver, on Tokio"; "Resolver, on threads"; "Lent, at home"; "Lent, on Tokio"; "Lent, on threads";
        "Domain_pool.detach"; "Rust stream, to the end"; "Rust stream, reads cancelled";
      ]
      (endings @ [ "cancelled" ])
  @ all [ "Rust stream, closed"; "Rust stream, collected" ] [ "value"; "error"; "exception"; "panic" ]
  @ all [ "Resolver, at home"; "Resolver, on Tokio"; "Resolver, on threads"; "a task, aborted" ] [ "broken" ]
  @ all
      [
        "OCamlAsyncFunc::call"; "OCamlAsyncFunc::call, protected"; "Promise"; "Promise, protected"; "OCamlFunc::call_async";
        "OCamlFunc::call"; "Handle::call"; "Handle::run_blocking"; "run_blocking_in_ocaml"; "DomainPool::call"; "LwtStream, to the end";
        "LwtStream, dropped"; "interface, async fn"; "interface, LwtStream";
      ]
      [ "value"; "exception"; "dropped" ]
  @ all [ "interface, fn" ] [ "value"; "exception"; "panic" ]
  @ all [ "a task elsewhere"; "select"; "tokio timeout" ] (endings @ [ "dropped" ])
  @ all [ "Handle::spawn, joined" ] endings
  @ all [ "Handle::spawn, detached"; "a task elsewhere, detached"; "OwnedArray"; "backtraces" ] [ "value" ]
  @ all [ "fair: polls"; "fair: a channel"; "fair: a Rust stream"; "fair: an OCaml stream" ] [ "value" ]
  @ all [ "Lwt.cancel"; "Lwt.pick"; "Lwt_unix.with_timeout" ] (endings @ [ "cancelled" ])
  @ all [ "Lwt_unix.with_timeout" ] [ "timeout" ]
  @ all [ "exception.argument: variant"; "exception.argument: string"; "exception.argument: list" ] [ "value"; "refused" ]
  @ all [ "a process: exit"; "a process: shutdown"; "a process: fork"; "a process: alarms" ] [ "value" ]
[@@ocamlformat "disable"]

let required_of_hosts =
  let all rows columns = List.concat_map (fun row -> List.map (fun column -> (row, column)) columns) rows in
  let callers = [ "main"; "a task"; "a thread"; "block_on"; "the pool"; "home" ] in
  let starts = [ "Starts"; "TwoStart"; "StartIsDropped"; "ModuleRaises"; "ModuleExits"; "ProvidesNothing" ] in
  let of_ocaml = [ "shutdown"; "shutdown_within"; "OCaml shuts down"; "OCaml exits"; "an exception"; "runtime first" ] in
  let of_main = [ "main returns"; "main exits"; "main panics" ] in
  let ends = "all end" :: (of_ocaml @ of_main) in
  all (List.map (( ^ ) "a host's call, from ") callers) [ "value"; "error"; "exception"; "panic"; "dropped" ]
  @ all (List.map (( ^ ) "a host begins: ") starts) [ "value" ]
  @ all (List.map (( ^ ) "a host, threads: ") ends) [ "value" ]
  @ all (List.map (( ^ ) "a host, one thread: ") ends) [ "value" ]
  @ all (List.map (( ^ ) "a host's calls: ") of_ocaml) [ "value" ]
  @ all [ "a host's calls: shutdown"; "a host's calls: OCaml exits" ] [ "broken"; "dropped" ]
  @ all [ "interface, SendRustStream" ] [ "value"; "exception"; "panic" ]

let never_met ~hosts =
  List.filter (fun (row, column) -> times row column = 0) (required @ if hosts then required_of_hosts else [])
