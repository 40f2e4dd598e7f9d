(* The work, and what a side has to do it with. *)

type account = { id : int; owner : string; balance : int }

let account id = { id; owner = Printf.sprintf "owner %d" id; balance = id * 7 mod 1000 }

let is_sqlite url = String.length url > 7 && String.sub url 0 7 = "sqlite:"

(* How many connections each side has. *)
let connections = 5

(* Both sides run these texts. *)
let point = "SELECT id, owner, balance FROM account WHERE id = $1"
let scan = "SELECT id, owner, balance FROM account"
let insert = "INSERT INTO entry (id, owner, balance) VALUES ($1, $2, $3)"

(* What a fold makes of the rows; floor.rs makes the same. *)
let add sum { owner; balance; _ } = sum + balance + String.length owner

(* What [rust_db] sets by itself for SQLite. *)
let pragmas = [ "PRAGMA journal_mode = WAL"; "PRAGMA synchronous = NORMAL"; "PRAGMA foreign_keys = ON" ]

module type Side = sig
  type pool

  val connect : string -> pool
  (** The URL is [sqlite:PATH], or PostgreSQL's. *)

  val run : pool -> string -> unit Lwt.t
  (** Any SQL. *)

  val point : pool -> int -> account Lwt.t
  (** On a connection of the pool. *)

  val insert : pool -> account list -> unit Lwt.t
  (** A transaction, with a statement for each. *)

  val bulk : pool -> account list -> unit Lwt.t
  (** All or nothing, in the best way that the side has. *)

  val scan : pool -> int Lwt.t
  (** The sum over all accounts. *)
end

(* {1 The tables} *)

let table url name =
  let id = if is_sqlite url then "INTEGER" else "BIGINT" in
  Printf.sprintf "CREATE TABLE %s (id %s PRIMARY KEY, owner TEXT NOT NULL, balance BIGINT NOT NULL)" name id

(* As [account] has them. *)
let accounts rows =
  Printf.sprintf
    "INSERT INTO account (id, owner, balance) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) \
     SELECT i, 'owner ' || i, i * 7 %% 1000 FROM n"
    rows

(* {1 The cases} *)

type case = Fill | Empty | One_by_one | At_a_time | Insert | Bulk | Scan

(* What is measured, its name, and how many rows of [count] queries or [rows] there are. *)
let measured ~rows ~count =
  let in_thousands = max 1 (count / 1000) * 1000 in
  [
    (One_by_one, "point queries, one by one", count);
    (At_a_time, "point queries, 64 at a time", count);
    (Insert, "1,000 inserts in a transaction", in_thousands);
    (Bulk, "1,000 rows in bulk", in_thousands);
    (Scan, "a scan, folded", rows);
  ]

let perform (type pool) (module Side : Side with type pool = pool) url (pool : pool) ~rows ~count =
  let open Lwt.Syntax in
  let point i =
    let wanted = account (1 + (i * 7919 mod rows)) in
    let+ seen = Side.point pool wanted.id in
    if seen <> wanted then failwith "another row"
  in
  let points tasks =
    let rec from i = if i >= count then Lwt.return_unit else Lwt.bind (point i) (fun () -> from (i + tasks)) in
    Lwt.map (fun () -> 0) (Lwt.join (List.init tasks from))
  in
  let thousands insert =
    let thousand i = insert pool (List.init 1000 (fun j -> account ((i * 1000) + j))) in
    Lwt.map (fun () -> 0) (Lwt_list.iter_s thousand (List.init (max 1 (count / 1000)) Fun.id))
  in
  let run sql = Lwt.map (fun () -> 0) (Lwt_list.iter_s (Side.run pool) sql) in
  function
  | Fill -> run [ table url "account"; table url "entry"; accounts rows; "ANALYZE" ]
  | Empty -> run [ "DELETE FROM entry" ]
  | One_by_one -> points 1
  | At_a_time -> points 64
  | Insert -> thousands Side.insert
  | Bulk -> thousands Side.bulk
  | Scan -> Side.scan pool

(* {1 A side's program} *)

(* It is asked for one case after the other, and answers with seconds, those on the processor, and a sum. The time is that of
   the whole process, with all its threads. *)
let serve (module Side : Side) =
  let url = Sys.argv.(1) and rows = int_of_string Sys.argv.(2) and count = int_of_string Sys.argv.(3) in
  let perform = perform (module Side) url (Side.connect url) ~rows ~count in
  let measure case =
    Gc.full_major ();
    let start = Unix.gettimeofday () and processor = Sys.time () in
    let sum = Lwt_main.run (perform case) in
    (Unix.gettimeofday () -. start, Sys.time () -. processor, sum)
  in
  let rec loop () =
    match (input_value stdin : case) with
    | case ->
        output_value stdout (measure case : float * float * int);
        flush stdout;
        loop ()
    | exception End_of_file -> ()
  in
  loop ()
