(* ledger [--database URL] [--timeout SECONDS] COMMAND: accounts, and transfers between them. *)

open Lwt.Syntax
open Rust_db

let usage =
  {|usage: ledger [OPTION…] open ACCOUNTS | transfer COUNT | circle COUNT | report

  open ACCOUNTS       new books: so many accounts, with 1000 each
  transfer COUNT      so many transfers, of a random sum between random accounts
  circle COUNT        notes so many transfers in one statement, which change nothing
  report              reads all transfers, and compares them with the balances

  --database URL      sqlite:PATH or postgres://USER@HOST/DATABASE (default: sqlite:ledger.db)
  --connections N     at most so many (default: 5)
  --timeout SECONDS   stop after so long, and roll back

Exit status: 0, or 1 when something went wrong, 2 when the command line is wrong,
124 after the timeout, 130 after Ctrl-C.|}

let opening = 1000

(* How many transfers are under way at a time: more than there are connections, so that some wait for one. *)
let at_a_time = 64

(* {1 The bar} *)

let terminal = Unix.isatty Unix.stderr
let drawn = ref 0.
let erase () = if terminal && !drawn > 0. then Printf.eprintf "\r%40s\r%!" ""

let progress =
  if not terminal then fun _ _ -> ()
  else fun step steps ->
    if step land 0xff = 0 && Unix.gettimeofday () -. !drawn > 0.1 then begin
      drawn := Unix.gettimeofday ();
      let full = 20 * step / max 1 steps in
      Printf.eprintf "\r[%s%s] %d/%d%!" (String.make full '#') (String.make (20 - full) '-') step steps
    end

(* {1 The commands} *)

let count_accounts pool =
  Pool.use pool (fun db -> fold db Books.Sql.balances () (fun count _ -> count + 1) 0)

let random_transfer accounts =
  let source = Random.int accounts in
  (* Never the same. *)
  let destination = (source + 1 + Random.int (max 1 (accounts - 1))) mod accounts in
  { Books.source; destination; amount = 1 + Random.int 100 }

let transfer pool count =
  let* accounts = count_accounts pool in
  if accounts = 0 then failwith "no accounts: open some first";
  let made = ref 0 and refused = ref 0 in
  let rec next () =
    if !made + !refused >= count then Lwt.return_unit
    else begin
      incr made;
      progress !made count;
      let* () =
        Lwt.catch
          (fun () -> Books.make pool (random_transfer accounts))
          (function
            | Books.Insufficient _ ->
                decr made;
                incr refused;
                Lwt.return_unit
            | exn -> Lwt.fail exn)
      in
      next ()
    end
  in
  let+ () = Lwt.join (List.init at_a_time (fun _ -> next ())) in
  Printf.sprintf "%d transfers, %d refused" !made !refused

let report pool =
  let began = Unix.gettimeofday () in
  let+ { Books.transfers; moved; money; wrong } = Books.report pool ~opening ~progress in
  if wrong <> [] then failwith (Printf.sprintf "%d accounts are wrong" (List.length wrong));
  let speed = float_of_int transfers /. (Unix.gettimeofday () -. began) in
  Printf.sprintf "%d transfers of %d in all, %d on the accounts, which agree (%.0f rows/s)" transfers moved money speed

let open_ pool accounts =
  let+ () = Books.create pool ~accounts ~balance:opening in
  Printf.sprintf "%d accounts, %d on them" accounts (accounts * opening)

let circle pool count =
  let* accounts = count_accounts pool in
  if accounts = 0 then failwith "no accounts: open some first";
  let+ count = Books.circles pool ~accounts count in
  Printf.sprintf "%d transfers noted" count

(* What a command line says, or nothing. *)
let command words =
  let counting run count = Option.map (fun count pool -> run pool count) (int_of_string_opt count) in
  match words with
  | [ "open"; accounts ] -> counting open_ accounts
  | [ "transfer"; count ] -> counting transfer count
  | [ "circle"; count ] -> counting circle count
  | [ "report" ] -> Some report
  | _ -> None

(* {1 How it ends} *)

(* Fulfilled with a status, and why. *)
let stop timeout =
  let interrupted, interrupt = Lwt.wait () in
  let on_signal _ = if Lwt.is_sleeping interrupted then Lwt.wakeup_later interrupt (130, "interrupted") in
  ignore (Lwt_unix.on_signal Sys.sigint on_signal : Lwt_unix.signal_handler_id);
  if timeout = infinity then interrupted
  else Lwt.choose [ interrupted; Lwt.map (fun () -> (124, "timed out")) (Lwt_unix.sleep timeout) ]

let main pool timeout run =
  let done_ =
    Lwt.catch
      (fun () -> Lwt.map (fun text -> (0, text)) (run pool))
      (function
        | Failed (_, message) | Failure message -> Lwt.return (1, message)
        | exn -> Lwt.fail exn)
  in
  (* `pick` cancels what is under way: each transaction is rolled back. *)
  let* status, text = Lwt.pick [ done_; stop timeout ] in
  let+ () = Lwt.pick [ Pool.idle pool; Lwt_unix.sleep 2. ] in
  erase ();
  if status = 0 then print_endline text else prerr_endline ("ledger: " ^ text);
  status

let () =
  let url = ref "sqlite:ledger.db" and connections = ref 5 and timeout = ref infinity and words = ref [] in
  let options =
    [
      ("--database", Arg.Set_string url, "");
      ("--connections", Arg.Set_int connections, "");
      ("--timeout", Arg.Set_float timeout, "");
    ]
  in
  let wrong () =
    prerr_endline usage;
    exit 2
  in
  (match Arg.parse_argv Sys.argv options (fun word -> words := word :: !words) usage with
  | () -> ()
  | exception Arg.Help _ ->
      print_endline usage;
      exit 0
  | exception Arg.Bad _ -> wrong ());
  match command (List.rev !words) with
  | None -> wrong ()
  | Some run -> (
      Random.self_init ();
      match Pool.create ~size:!connections !url with
      | pool -> exit (Lwt_main.run (main pool !timeout run))
      | exception Failed (_, message) ->
          prerr_endline ("ledger: " ^ message);
          exit 1)
