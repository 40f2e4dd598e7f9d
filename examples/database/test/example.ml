(* What the README shows. *)

open Lwt.Syntax
open Rust_db

type account = { owner : string; balance : int }

let account =
  Row.(
    product (fun owner balance -> { owner; balance })
    @@ proj string (fun a -> a.owner)
    @@ proj int (fun a -> a.balance)
    @@ proj_end)

let insert = Request.(account ->. Row.unit) "INSERT INTO savings (owner, balance) VALUES ($1, $2)"
let rich = Request.(Row.int ->* account) "SELECT owner, balance FROM savings WHERE balance > $1"

let total pool =
  let* () = Pool.transaction pool (fun db -> exec db insert { owner = "ada"; balance = 7 }) in
  Pool.use pool (fun db -> fold db rich 5 (fun sum a -> sum + a.balance) 0)
