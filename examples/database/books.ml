(* The books: accounts, and transfers between them. *)

open Lwt.Syntax
open Rust_db

type transfer = { source : int; destination : int; amount : int }

exception Insufficient of transfer

let transfer =
  Row.(
    product (fun source destination amount -> { source; destination; amount })
    @@ proj int (fun t -> t.source)
    @@ proj int (fun t -> t.destination)
    @@ proj int (fun t -> t.amount)
    @@ proj_end)

(* SQL that both databases understand. *)
module Sql = struct
  open Request

  let drop = List.map Row.(unit ->. unit) [ "DROP TABLE IF EXISTS transfer"; "DROP TABLE IF EXISTS account" ]

  let create =
    List.map
      Row.(unit ->. unit)
      [
        "CREATE TABLE account (id INTEGER PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0))";
        "CREATE TABLE transfer (source INTEGER NOT NULL REFERENCES account, destination INTEGER NOT NULL REFERENCES account, \
         amount BIGINT NOT NULL)";
      ]

  let open_account = Row.(t2 int int ->. unit) "INSERT INTO account (id, balance) VALUES ($1, $2)"
  let balance = Row.(int ->? int) "SELECT balance FROM account WHERE id = $1"
  let add = Row.(t2 int int ->. unit) "UPDATE account SET balance = balance + $1 WHERE id = $2"
  let note = (transfer ->. Row.unit) "INSERT INTO transfer (source, destination, amount) VALUES ($1, $2, $3)"
  let balances = Row.(unit ->* t2 int int) "SELECT id, balance FROM account ORDER BY id"
  let transfers = (Row.unit ->* transfer) "SELECT source, destination, amount FROM transfer"
  let count = Row.(unit ->! int) "SELECT count(*) FROM transfer"

  (* Each account gives 1 to the next, the last to the first, so many times. *)
  let circle =
    Row.(t2 int int ->. unit)
      "INSERT INTO transfer (source, destination, amount) WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 \
       FROM n WHERE i + 1 < $1), a (accounts) AS (SELECT CAST($2 AS BIGINT)) SELECT i % accounts, (i + 1) % accounts, 1 FROM n, a"
end

(* [create pool ~accounts ~balance] is new books. *)
let create pool ~accounts ~balance =
  Pool.transaction pool (fun db ->
      let* () = Lwt_list.iter_s (fun sql -> exec db sql ()) (Sql.drop @ Sql.create) in
      Lwt_list.iter_s (fun id -> exec db Sql.open_account (id, balance)) (List.init accounts Fun.id))

(* [make pool transfer], all of it or nothing. *)
let make pool ({ source; destination; amount } as transfer) =
  Pool.retry pool (fun db ->
      let* balance = find_opt db Sql.balance source in
      match balance with
      | Some balance when balance >= amount ->
          let* () = exec db Sql.add (-amount, source) in
          let* () = exec db Sql.add (amount, destination) in
          exec db Sql.note transfer
      | _ -> Lwt.fail (Insufficient transfer))

(* [circles pool ~accounts count] notes at least [count] transfers, in whole circles, so that no balance changes; it is how many. *)
let circles pool ~accounts count =
  let count = (count + accounts - 1) / accounts * accounts in
  Pool.transaction pool (fun db -> affect db Sql.circle (count, accounts))

type report = { transfers : int; moved : int; money : int; wrong : int list  (** Accounts with another balance than noted. *) }

(* [report pool ~opening ~progress] reads every transfer, one after the other, and compares what they make of each account, which began
   with [opening], with what it has. Both are read in one transaction: others may go on meanwhile. *)
let report pool ~opening ~progress =
  Pool.retry pool (fun db ->
      let noted = Hashtbl.create 1000 in
      let add id amount = Hashtbl.replace noted id (amount + Option.value ~default:opening (Hashtbl.find_opt noted id)) in
      let* count = find db Sql.count () in
      let* transfers, moved =
        fold db Sql.transfers ()
          (fun (transfers, moved) { source; destination; amount } ->
            add source (-amount);
            add destination amount;
            progress transfers count;
            (transfers + 1, moved + amount))
          (0, 0)
      in
      let check report (id, balance) =
        let is_right = balance = Option.value ~default:opening (Hashtbl.find_opt noted id) in
        { report with money = report.money + balance; wrong = (if is_right then report.wrong else id :: report.wrong) }
      in
      fold db Sql.balances () check { transfers; moved; money = 0; wrong = [] })
