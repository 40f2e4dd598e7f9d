(* What holds on both databases. *)

open Lwt.Syntax
open Rust_db
open Law

exception Enough

(* {1 Values} *)

let values_come_back pool =
  let int8 = if is_sqlite then "$1" else "$1::bigint" in
  let come_back row sql value =
    let+ back = Pool.use pool (fun db -> find db (Request.(row ->! row) ("SELECT " ^ sql)) value) in
    if compare back value <> 0 then Alcotest.failf "%s: another value comes back" sql
  in
  let* () = Lwt_list.iter_s (come_back Row.int int8) [ 0; -1; max_int; min_int ] in
  let* () = Lwt_list.iter_s (come_back Row.int64 int8) [ 0L; Int64.max_int; Int64.min_int; Int64.of_int max_int ] in
  let* () = Lwt_list.iter_s (come_back Row.float "CAST($1 AS FLOAT)") [ 0.5; -1e300; infinity ] in
  let* () = Lwt_list.iter_s (come_back Row.string "CAST($1 AS TEXT)") [ ""; "früh"; "'\"\\;--" ] in
  let* () = Lwt_list.iter_s (come_back Row.(option string) "CAST($1 AS TEXT)") [ None; Some "" ] in
  let bytes = if is_sqlite then "$1" else "$1::bytea" in
  let* () = come_back Row.octets bytes (String.init 256 Char.chr) in
  let bool = if is_sqlite then "$1" else "$1::boolean" in
  let* () = Lwt_list.iter_s (come_back Row.bool bool) [ true; false ] in
  (* By their numbers, and not in the order in which they stand in the text. *)
  let swap = if is_sqlite then "SELECT $2, $1" else "SELECT $2::bigint, $1::bigint" in
  let+ swapped = Pool.use pool (fun db -> find db Request.(Row.(t2 int int ->! t2 int int) swap) (1, 2)) in
  Alcotest.(check (pair int int)) "swapped" (2, 1) swapped

(* Rows are described as they are nested, and have as many columns as they like. *)
let rows_are_as_wide_as_they_like pool =
  let narrow = Row.(t2 int (t2 string unit)) and wide = Row.(t3 (t2 int string) (t3 (option int) bool (option string)) (t2 float int)) in
  let find_one row sql = Pool.use pool (fun db -> find db Request.(Row.(unit ->! row) sql) ()) in
  let* seen = find_one narrow "SELECT 1, CAST('a' AS TEXT)" in
  if seen <> (1, ("a", ())) then Alcotest.fail "another narrow row";
  let* seen = find_one wide "SELECT 1, CAST('b' AS TEXT), NULL, TRUE, CAST('' AS TEXT), CAST(0.5 AS FLOAT), -2" in
  if seen <> ((1, "b"), (None, true, Some ""), (0.5, -2)) then Alcotest.fail "another wide row";
  let* () = check_fails "too few" Conversion (fun () -> find_one wide "SELECT 1") in
  check_fails "the last is wrong" Conversion (fun () -> find_one Row.(t3 int int (t2 int int)) "SELECT 1, 2, 3, CAST('4' AS TEXT)")

let parameters_never_reach_the_text pool =
  with_table pool (fun () ->
      let evil = [ "'; DROP TABLE thing; --"; "x' OR '1' = '1"; "$1"; "\\'; SELECT 1" ] in
      let* () = Pool.transaction pool (fun db -> Lwt_list.iteri_s (fun i name -> exec db insert (i, name)) evil) in
      let by_name = Request.(Row.string ->* Row.int) "SELECT id FROM thing WHERE name = $1" in
      let* () =
        Lwt_list.iteri_s
          (fun i name ->
            let+ found = Pool.use pool (fun db -> collect_list db by_name name) in
            Alcotest.(check (list int)) name [ i ] found)
          evil
      in
      let+ seen = Pool.use pool (fun db -> collect_list db names ()) in
      Alcotest.(check (list string)) "as they were" evil seen)

let row_that_does_not_convert_is_refused pool =
  with_table pool (fun () ->
      let* () = Pool.use pool (fun db -> exec db insert (1, "one")) in
      let refused sql row = check_fails sql Conversion (fun () -> Pool.use pool (fun db -> find db (Request.(Row.unit ->! row) sql) ())) in
      let* () = refused "SELECT name FROM thing" Row.(t2 int int) in
      let* () = refused "SELECT id FROM thing WHERE id = 0" Row.(t2 int int) in
      let int_of sql =
        check_fails sql Conversion (fun () -> Pool.use pool (fun db -> find db (Request.(Row.unit ->! Row.int) sql) ()))
      in
      let* () = int_of "SELECT name FROM thing" in
      let* () = int_of "SELECT CAST(NULL AS INTEGER)" in
      (* In a stream, too: which is closed. *)
      check_fails "in a stream" Conversion (fun () ->
          let request = Request.(Row.unit ->* Row.int) "SELECT name FROM thing" in
          Pool.use pool (fun db -> fold db request () ( + ) 0)))

let errors_have_a_kind pool =
  with_table pool (fun () ->
      let* () = Pool.use pool (fun db -> exec db insert (1, "one")) in
      let* () = check_fails "a second one" Constraint (fun () -> Pool.use pool (fun db -> exec db insert (1, "two"))) in
      let* () = check_fails "nonsense" Other (fun () -> Pool.use pool (fun db -> exec db (run "NONSENSE") ())) in
      let nowhere = if is_sqlite then "sqlite:/nowhere/at.db" else "postgres://127.0.0.1:1/x" in
      let nowhere = Pool.create nowhere in
      let* () = check_fails "nowhere" Connection (fun () -> Pool.use nowhere (fun _ -> Lwt.return_unit)) in
      Pool.close nowhere;
      check_fails "no URL" Other (fun () -> Lwt.return (Pool.create "mysql:x")))

let readme_is_right pool =
  let* () =
    Pool.use pool (fun db ->
        let* () = exec db (run "DROP TABLE IF EXISTS savings") () in
        exec db (run "CREATE TABLE savings (owner TEXT NOT NULL, balance BIGINT NOT NULL)") ())
  in
  Lwt.map (check_int "total" 7) (Example.total pool)

(* {1 Streams} *)

let megabytes () =
  let file = open_in "/proc/self/statm" in
  Fun.protect
    (fun () -> Scanf.sscanf (input_line file) "%d %d" (fun _ pages -> pages * 4 / 1000))
    ~finally:(fun () -> close_in file)

let stream_is_read_as_fast_as_it_is_wanted pool =
  let read = ref 0 and before = megabytes () in
  let* enough =
    ending (fun () ->
        Pool.use pool (fun db ->
            iter_s db endless () (fun _ ->
                incr read;
                let* () = if !read = 1000 then Lwt_unix.sleep 0.5 else Lwt.return_unit in
                if !read = 100_000 then Lwt.fail Enough else Lwt.return_unit)))
  in
  if enough <> Error Enough then Alcotest.fail "it ended otherwise";
  if megabytes () - before > 20 then Alcotest.failf "%d MB more than %d" (megabytes () - before) before;
  (* The only connection is free again: the statement has ended. *)
  Pool.use pool (fun db -> exec db (run (if is_sqlite then "PRAGMA user_version" else "SET application_name = ''")) ())

let cancelled_statement_is_stopped pool =
  let* timeout =
    ending (fun () -> Lwt_unix.with_timeout 0.1 (fun () -> Pool.use pool (fun db -> collect_list db stuck ())))
  in
  if timeout <> Error Lwt_unix.Timeout then Alcotest.fail "it ended otherwise";
  let+ one = Pool.use pool (fun db -> find db (Request.(Row.unit ->! Row.int) "SELECT 1") ()) in
  check_int "the only connection" 1 one

(* {1 Transactions} *)

let committed_when_the_function_ends pool =
  with_table pool (fun () ->
      let* twelve =
        Pool.transaction pool (fun db ->
            let* () = exec db insert (1, "one") in
            let+ () = exec db insert (2, "two") in
            12)
      in
      check_int "its value" 12 twelve;
      Lwt.map (check_int "rows" 2) (things pool))

(* [f] is run in a transaction that has written, and ends as it should; nothing is left. *)
let rolled_back pool f is_right =
  with_table pool (fun () ->
      let* ending =
        ending (fun () ->
            Pool.transaction pool (fun db ->
                let* () = exec db insert (1, "one") in
                f db))
      in
      if not (is_right ending) then Alcotest.fail "it ended otherwise";
      Lwt.map (check_int "rows" 0) (things pool))

let rolled_back_when_it_raises pool =
  let exn = Failure "mine" in
  let* () = rolled_back pool (fun _ -> Lwt.fail exn) (function Error seen -> seen == exn | Ok () -> false) in
  rolled_back pool (fun _ -> raise exn) (function Error seen -> seen == exn | Ok () -> false)

let rolled_back_when_rust_panics pool =
  rolled_back pool (fun _ -> panic ()) (function Error (Rust_async.Rust_panic _) -> true | _ -> false)

let rolled_back_when_a_statement_fails pool =
  let ignoring db = Lwt.map ignore (ending (fun () -> exec db insert (1, "again"))) in
  rolled_back pool ignoring (function Error (Failed (Other, _)) -> true | _ -> false)

let rolled_back_when_it_is_cancelled pool =
  let is_timeout ending = ending = Error Lwt_unix.Timeout in
  let cancelled f =
    with_table pool (fun () ->
        let transaction () =
          Pool.transaction pool (fun db ->
              let* () = exec db insert (1, "one") in
              f db)
        in
        let* ending = ending (fun () -> Lwt_unix.with_timeout 0.1 transaction) in
        if not (is_timeout ending) then Alcotest.fail "it ended otherwise";
        Lwt.map (check_int "rows" 0) (things pool))
  in
  let* () = cancelled (fun _ -> never ()) in
  (* In a statement: the database is told. *)
  let* () = cancelled (fun db -> Lwt.map ignore (collect_list db stuck ())) in
  cancelled (fun db -> iter_s db endless () (fun _ -> Lwt_unix.sleep 0.01))

let statement_that_is_cancelled_dooms_its_transaction pool =
  let impatient db =
    let* timeout = ending (fun () -> Lwt_unix.with_timeout 0.1 (fun () -> collect_list db stuck ())) in
    if timeout <> Error Lwt_unix.Timeout then Alcotest.fail "it ended otherwise";
    Lwt.return_unit
  in
  rolled_back pool impatient (function Error (Failed (Other, _)) -> true | _ -> false)

(* OCaml calls Rust, which calls OCaml, which calls Rust, and so on. *)
let transaction_may_await_rust_that_awaits_ocaml pool =
  with_table pool (fun () ->
      let rec deep db n =
        if n = 0 then exec db insert (1, "deep")
        else
          Pool.use pool (fun other ->
              let* seen = find other count () in
              check_int "seen from outside" 0 seen;
              deep db (n - 1))
      in
      let* () = Pool.transaction pool (fun db -> deep db 4) in
      Lwt.map (check_int "rows" 1) (things pool))

let connection_is_over_with_its_function pool =
  with_table pool (fun () ->
      let* kept = Pool.transaction pool Lwt.return in
      check_fails "later" Other (fun () -> exec kept insert (1, "too late")))

(* {1 Pools} *)

let exhausted_pool_is_a_timeout pool =
  let waiting, wake = Lwt.wait () in
  let users = List.init 2 (fun _ -> Pool.use pool (fun _ -> waiting)) in
  let* () = check_fails "a third" Timeout (fun () -> Pool.use pool (fun _ -> Lwt.return_unit)) in
  Lwt.wakeup_later wake ();
  let* () = Lwt.join users in
  Pool.use pool (fun _ -> Lwt.return_unit)

(* A thousand tasks on five connections; many of them end in other ways than they should. *)
let money_is_conserved pool =
  let accounts = 10 and opening = 100 in
  let* () = Books.create pool ~accounts ~balance:opening in
  let made = ref 0 in
  let transfer i =
    { Books.source = i mod accounts; destination = (i + 1 + (i mod 7)) mod accounts; amount = 1 + (i mod 50) }
  in
  let task i =
    let transfer = transfer i in
    let broken f () =
      Pool.retry pool (fun db ->
          let* () = exec db Books.Sql.add (-1, transfer.source) in
          f db)
    in
    let* ending =
      ending
        (match i mod 10 with
        | 0 -> broken (fun _ -> Lwt.fail Enough)
        | 1 -> broken (fun _ -> panic ())
        | 2 -> broken (fun db -> exec db Books.Sql.add (-1_000_000, transfer.destination))
        | 3 -> fun () -> Lwt_unix.with_timeout (0.0005 *. float_of_int i) (broken (fun _ -> never ()))
        | 4 -> fun () -> Lwt.pick [ Books.make pool transfer; Lwt_unix.sleep (0.001 *. float_of_int (i mod 300)) ]
        | _ -> fun () -> Lwt.map (fun () -> incr made) (Books.make pool transfer))
    in
    match ending with
    | Ok () | Error (Enough | Rust_async.Rust_panic _ | Failed (Constraint, _) | Lwt_unix.Timeout | Books.Insufficient _) ->
        Lwt.return_unit
    | Error exn -> Lwt.fail exn
  in
  let* () = Lwt.join (List.init 1000 task) in
  let+ report = Books.report pool ~opening ~progress:(fun _ _ -> ()) in
  check_int "money" (accounts * opening) report.money;
  Alcotest.(check (list int)) "accounts that are wrong" [] report.wrong;
  if report.transfers < !made then Alcotest.failf "%d transfers of %d" report.transfers !made;
  if fst (Pool.status pool) > 5 then Alcotest.fail "more than five connections"

let () =
  Alcotest.run "database"
    ([
       ( "values",
         [
           law "values come back" values_come_back;
           law "rows are as wide as they like" rows_are_as_wide_as_they_like;
           law "parameters never reach the text" parameters_never_reach_the_text;
           law "a row that does not convert is refused" row_that_does_not_convert_is_refused;
           law "errors have a kind" errors_have_a_kind;
           law "the README is right" readme_is_right;
         ] );
       ( "streams",
         [
           law ~size:1 "a stream is read as fast as it is wanted" stream_is_read_as_fast_as_it_is_wanted;
           law ~size:1 "a cancelled statement is stopped" cancelled_statement_is_stopped;
         ] );
       ( "transactions",
         [
           law "committed when the function ends" committed_when_the_function_ends;
           law "rolled back when it raises" rolled_back_when_it_raises;
           law "rolled back when Rust panics" rolled_back_when_rust_panics;
           law "rolled back when a statement fails" rolled_back_when_a_statement_fails;
           law "rolled back when it is cancelled" rolled_back_when_it_is_cancelled;
           law "a statement that is cancelled dooms its transaction" statement_that_is_cancelled_dooms_its_transaction;
           law "it may await Rust that awaits OCaml" transaction_may_await_rust_that_awaits_ocaml;
           law "a connection is over with its function" connection_is_over_with_its_function;
         ] );
       ( "pools",
         [
           law ~size:2 ~wait:0.1 "an exhausted pool is a timeout" exhausted_pool_is_a_timeout;
           law ~size:5 ~wait:60. "money is conserved by a thousand tasks" money_is_conserved;
         ] );
     ]
    @ if is_sqlite then [] else Postgres_laws.laws)
