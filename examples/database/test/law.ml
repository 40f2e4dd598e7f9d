(* A test is a law: a name that says what is always so, and a program that shows it, on a pool of its own. Every law also shows that
   all connections are free in the end, and that nothing is kept. *)

open Lwt.Syntax
open Rust_db

(* A panic is not worth a backtrace here. *)
let () = Unix.putenv "RUST_BACKTRACE" "0"

(* SQLite, or where test/database.sh has started a PostgreSQL. *)
let url =
  match Sys.getenv_opt "DATABASE_URL" with
  | Some url -> url
  | None ->
      let file = Filename.temp_file "rust_db" ".db" in
      at_exit (fun () -> List.iter (fun end_ -> try Sys.remove (file ^ end_) with Sys_error _ -> ()) [ ""; "-wal"; "-shm" ]);
      "sqlite:" ^ file

let is_sqlite = String.length url > 7 && String.sub url 0 7 = "sqlite:"

let kept () =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects; loans } = Rust_async.stats () in
  Printf.sprintf "%d tasks, %d subscriptions, %d roots, %d objects, %d loans" tasks subscriptions roots objects loans

let rec eventually ?(tries = 2000) what read expected =
  let* seen = read () in
  if seen = expected then Lwt.return_unit
  else if tries = 0 then Alcotest.failf "%s: %s, not %s" what seen expected
  else
    let* () = Lwt_unix.sleep 0.005 in
    eventually ~tries:(tries - 1) what read expected

let law ?size ?wait name program =
  Alcotest.test_case name `Quick (fun () ->
      Lwt_main.run
        (let before = kept () in
         let pool = Pool.create ?size ?wait url in
         let* () = Lwt_unix.with_timeout 60. (fun () -> program pool) in
         let* () = Lwt_unix.with_timeout 10. (fun () -> Pool.idle pool) in
         Pool.close pool;
         eventually "what is kept" (fun () -> Lwt.return (kept ())) before))

(* How it ended. *)
let ending program = Lwt.catch (fun () -> Lwt.map Result.ok (program ())) Lwt.return_error

let check_fails what kind program =
  let+ ending = ending program in
  match ending with
  | Error (Failed (failed, _)) when failed = kind -> ()
  | Error exn -> Alcotest.failf "%s: %s" what (Printexc.to_string exn)
  | Ok _ -> Alcotest.failf "%s: it did not fail" what

let check_int what expected seen = Alcotest.(check int) what expected seen

(* The bridge would see that nobody can resolve a promise of [Lwt.wait] that is kept nowhere. *)
let never () = Lwt_unix.sleep 1e6

(* {1 A table} *)

let run sql = Request.(Row.unit ->. Row.unit) sql
let insert = Request.(Row.(t2 int string) ->. Row.unit) "INSERT INTO thing (id, name) VALUES ($1, $2)"
let names = Request.(Row.unit ->* Row.string) "SELECT name FROM thing ORDER BY id"
let count = Request.(Row.unit ->! Row.int) "SELECT count(*) FROM thing"

(* Rows without end. *)
let endless =
  Request.(Row.unit ->* Row.int) "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT (i + 1) % 1000000 FROM n) SELECT i FROM n"

(* A query that gives none, and never ends. *)
let stuck =
  Request.(Row.unit ->* Row.int)
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT (i + 1) % 1000000 FROM n) SELECT i FROM n WHERE i < 0"

let with_table pool f =
  let* () =
    Pool.transaction pool (fun db ->
        let* () = exec db (run "DROP TABLE IF EXISTS thing") () in
        exec db (run "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL)") ())
  in
  f ()

let things pool = Pool.use pool (fun db -> find db count ())
