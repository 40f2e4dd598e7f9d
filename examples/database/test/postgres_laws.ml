(* What only PostgreSQL can show. test/database.sh has started one, and says how it is killed and started. *)

open Lwt.Syntax
open Rust_db
open Law

let shell variable =
  let+ status = Lwt_process.exec (Lwt_process.shell (Sys.getenv variable)) in
  if status <> WEXITED 0 then Alcotest.failf "%s fails" variable

let pid = Request.(Row.unit ->! Row.int) "SELECT pg_backend_pid()"
let cut = Request.(Row.int ->! Row.bool) "SELECT pg_terminate_backend($1)"
let sleep = Request.(Row.unit ->! Row.string) "SELECT pg_sleep(60)::text"

(* Of other connections. *)
let running =
  Request.(Row.string ->! Row.int)
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()"

let runs pool query = Lwt.map string_of_int (Pool.use pool (fun db -> find db running query))

(* {1 Servers and connections that go} *)

let killed_server_takes_its_transactions_along pool =
  with_table pool (fun () ->
      let* () =
        check_fails "the transaction" Connection (fun () ->
            Pool.transaction pool (fun db ->
                let* () = exec db insert (1, "one") in
                let* () = shell "POSTGRES_KILL" in
                Lwt.map ignore (find db sleep ())))
      in
      let* () = check_fails "meanwhile" Connection (fun () -> things pool) in
      let* () = shell "POSTGRES_START" in
      let* () = Lwt.map (check_int "rows" 0) (things pool) in
      let* () = Pool.transaction pool (fun db -> exec db insert (1, "one")) in
      Lwt.map (check_int "rows" 1) (things pool))

let connection_that_is_cut_is_replaced pool =
  with_table pool (fun () ->
      let in_the_middle f =
        check_fails "cut" Connection (fun () ->
            Pool.transaction pool (fun db ->
                let* () = exec db insert (1, "one") in
                let* victim = find db pid () in
                f db victim))
      in
      let kill victim = Lwt.map ignore (Pool.use pool (fun db -> find db cut victim)) in
      (* Between two statements, and in one. *)
      let* () =
        in_the_middle (fun db victim ->
            let* () = kill victim in
            exec db insert (2, "two"))
      in
      let* () =
        in_the_middle (fun db victim ->
            let* _, () = Lwt.both (find db sleep ()) (kill victim) in
            Lwt.return_unit)
      in
      Lwt.map (check_int "rows" 0) (things pool))

(* {1 Cancellation} *)

let cancelled_statement_is_gone_at_the_server pool =
  let slow = Pool.transaction pool (fun db -> find db sleep ()) in
  let* () = eventually "running" (fun () -> runs pool "SELECT pg_sleep%") "1" in
  Lwt.cancel slow;
  let* canceled = ending (fun () -> slow) in
  if canceled <> Error Lwt.Canceled then Alcotest.fail "it ended otherwise";
  eventually "running" (fun () -> runs pool "SELECT pg_sleep%") "0"

let stream_that_is_left_is_gone_at_the_server pool =
  let* _ = ending (fun () -> Pool.use pool (fun db -> iter_s db endless () (fun _ -> Lwt.fail Exit))) in
  eventually "running" (fun () -> runs pool "WITH RECURSIVE%") "0"

let servers_own_timeout_is_a_timeout pool =
  check_fails "slow" Timeout (fun () ->
      Pool.transaction pool (fun db ->
          let* () = exec db (run "SET LOCAL statement_timeout = 50") () in
          find db sleep ()))

(* {1 Transactions} *)

(* Each looks at what the other writes: they cannot both be the only one. *)
let transactions_are_serialisable pool =
  with_table pool (fun () ->
      let both lend =
        let barrier, pass = Lwt.wait () and here = ref 0 in
        let one id () =
          lend pool (fun db ->
              let* seen = find db count () in
              incr here;
              if !here = 2 then Lwt.wakeup_later pass ();
              let* () = barrier in
              exec db insert (id, string_of_int seen))
        in
        Lwt.both (ending (one 1)) (ending (one 2))
      in
      let* () =
        let+ ending = both Pool.transaction in
        match ending with
        | Ok (), Error (Failed (Serialization, _)) | Error (Failed (Serialization, _)), Ok () -> ()
        | _ -> Alcotest.fail "both were let through, or neither"
      in
      let* () = Pool.use pool (fun db -> exec db (run "DELETE FROM thing") ()) in
      let* ending = both (fun pool f -> Pool.retry pool f) in
      if ending <> (Ok (), Ok ()) then Alcotest.fail "not both, in the end";
      let+ seen = Pool.use pool (fun db -> collect_list db names ()) in
      Alcotest.(check (list string)) "one saw the other" [ "0"; "1" ] (List.sort compare seen))

let column_of_another_type_is_refused pool =
  let numbers =
    Request.(Row.unit ->* Row.float)
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT (i + 1) % 1000000 FROM n) SELECT 1.5::numeric FROM n"
  in
  let* () = check_fails "numeric" Conversion (fun () -> Pool.use pool (fun db -> collect_list db numbers ())) in
  eventually "running" (fun () -> runs pool "WITH RECURSIVE%") "0"

(* {1 Notifications} *)

let notify = Request.(Row.(t2 string string) ->! Row.string) "SELECT pg_notify($1, $2)::text"

let notifications_are_a_stream pool =
  let channel = "with \"quotes\" and capitals" in
  let say text = Pool.use pool (fun db -> Lwt.map ignore (find db notify (channel, text))) in
  Pool.listen pool channel (fun stream ->
      let* () = say "one" in
      let* () = say "two" in
      let* seen = Lwt_stream.nget 2 stream in
      Alcotest.(check (list string)) "payloads" [ "one"; "two" ] seen;
      (* A transaction that is rolled back says nothing. *)
      let* _ =
        ending (fun () ->
            Pool.transaction pool (fun db ->
                let* _ = find db notify (channel, "not this") in
                Lwt.fail Exit))
      in
      let* () = say "three" in
      let+ seen = Lwt_stream.get stream in
      Alcotest.(check (option string)) "payload" (Some "three") seen)

(* {1 COPY} *)

let lines first count =
  let buffer = Buffer.create (count * 16) in
  for i = first to first + count - 1 do
    Printf.bprintf buffer "%d\tthing %d\n" i i
  done;
  Lwt_bytes.of_string (Buffer.contents buffer)

let copy_in_lends_and_copy_out_owns pool =
  with_table pool (fun () ->
      let chunks = [ lines 0 10_000; lines 10_000 10_000; lines 20_000 1 ] in
      let texts = List.map Lwt_bytes.to_string chunks in
      let* rows = Pool.transaction pool (fun db -> copy_in db "COPY thing FROM STDIN" (Lwt_stream.of_list chunks)) in
      check_int "rows" 20_001 rows;
      Alcotest.(check (list string)) "OCaml's again" texts (List.map Lwt_bytes.to_string chunks);
      let all = Buffer.create 400_000 and pieces = ref 0 in
      let write piece =
        incr pieces;
        Lwt.return (Buffer.add_string all (Lwt_bytes.to_string piece))
      in
      let* () = Pool.use pool (fun db -> copy_out db "COPY (SELECT * FROM thing ORDER BY id) TO STDOUT" write) in
      Alcotest.(check bool) "what came in" true (Buffer.contents all = String.concat "" texts);
      Alcotest.(check bool) "in large pieces" true (!pieces < 10);
      (* All or nothing. *)
      let bad = Lwt_stream.of_list [ lines 30_000 10_000; Lwt_bytes.of_string "nonsense\n"; lines 40_000 10_000 ] in
      let* () =
        check_fails "nonsense" Conversion (fun () -> Pool.use pool (fun db -> copy_in db "COPY thing FROM STDIN" bad))
      in
      let never = Lwt_stream.from (fun () -> Lwt.map (fun () -> None) (never ())) in
      let* timeout =
        ending (fun () ->
            Lwt_unix.with_timeout 0.1 (fun () -> Pool.use pool (fun db -> copy_in db "COPY thing FROM STDIN" never)))
      in
      if timeout <> Error Lwt_unix.Timeout then Alcotest.fail "it ended otherwise";
      let* _ = ending (fun () -> Pool.use pool (fun db -> copy_out db "COPY thing TO STDOUT" (fun _ -> Lwt.fail Exit))) in
      Lwt.map (check_int "rows" 20_001) (things pool))

let laws =
  [
    ( "postgres",
      [
        law "a killed server takes its transactions along" killed_server_takes_its_transactions_along;
        law "a connection that is cut is replaced" connection_that_is_cut_is_replaced;
        law ~size:2 "a cancelled statement is gone at the server" cancelled_statement_is_gone_at_the_server;
        law "a stream that is left is gone at the server" stream_that_is_left_is_gone_at_the_server;
        law "the server's own timeout is a timeout" servers_own_timeout_is_a_timeout;
        law "transactions are serialisable" transactions_are_serialisable;
        law "a column of another type is refused" column_of_another_type_is_refused;
        law "notifications are a stream" notifications_are_a_stream;
        law "COPY lends and owns" copy_in_lends_and_copy_out_owns;
      ] );
  ]
