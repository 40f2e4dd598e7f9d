(* The side of this library. *)

open Lwt.Syntax
open Rust_db
open Work

type pool = { pool : Pool.t; is_sqlite : bool }

let connect url = { pool = Pool.create ~size:connections url; is_sqlite = is_sqlite url }

let account =
  Row.(
    product (fun id owner balance -> { id; owner; balance })
    @@ proj int (fun a -> a.id)
    @@ proj string (fun a -> a.owner)
    @@ proj int (fun a -> a.balance)
    @@ proj_end)

let point_request = Request.(Row.int ->! account) point
let scan_request = Request.(Row.unit ->* account) scan
let insert_request = Request.(account ->. Row.unit) insert
let run { pool; _ } sql = Pool.use pool (fun db -> exec db Request.(Row.(unit ->. unit) sql) ())
let point { pool; _ } id = Pool.use pool (fun db -> find db point_request id)

let insert { pool; _ } accounts =
  Pool.transaction pool (fun db -> Lwt_list.iter_s (fun account -> exec db insert_request account) accounts)

(* Names without tabs and backslashes, or they would have to be escaped. *)
let copy db accounts =
  let text = Buffer.create 65536 in
  List.iter (fun { id; owner; balance } -> Printf.bprintf text "%d\t%s\t%d\n" id owner balance) accounts;
  let chunk = Lwt_bytes.of_string (Buffer.contents text) in
  let+ (_ : int) = copy_in db "COPY entry (id, owner, balance) FROM STDIN" (Lwt_stream.of_list [ chunk ]) in
  ()

let bulk side accounts =
  if side.is_sqlite then insert side accounts else Pool.use side.pool (fun db -> copy db accounts)

let scan { pool; _ } = Pool.use pool (fun db -> fold db scan_request () add 0)
