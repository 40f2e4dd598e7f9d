(* The side of caqti. *)

open Lwt.Syntax
open Work
module Pool = Caqti_lwt_unix.Pool

type pool = (Caqti_lwt.connection, Caqti.Error.t) Pool.t

open Caqti.Templater

let account =
  Caqti.Template.Row_type.(
    product (fun id owner balance -> Ok { id; owner; balance })
    @@ proj int (fun a -> a.id)
    @@ proj string (fun a -> a.owner)
    @@ proj int (fun a -> a.balance)
    @@ proj_end)

let point_request = static T.(int -->! account) point
let scan_request = static T.(unit -->* account) scan
let insert_request = static T.(account -->. unit) insert

(* `PRAGMA journal_mode` gives a row, the others do not. *)
let prepare_sqlite (module Db : Caqti_lwt.CONNECTION) =
  let run pragma = Lwt.map (Result.map ignore) (Db.find_opt (direct T.(unit -->? string) pragma) ()) in
  List.fold_left (fun before pragma -> Lwt_result.bind before (fun () -> run pragma)) (Lwt_result.return ()) pragmas

let connect url =
  let pool_config = Caqti.Pool.Config.create ~max_size:connections ~max_idle_size:connections () in
  let connect ?post_connect uri =
    match Caqti_lwt_unix.connect_pool ~pool_config ?post_connect (Uri.of_string uri) with
    | Ok pool -> (pool :> pool)
    | Error error -> failwith (Caqti.Error.show error)
  in
  if is_sqlite url then
    let path = String.sub url 7 (String.length url - 7) in
    connect ~post_connect:prepare_sqlite ("sqlite3:" ^ path ^ "?busy_timeout=10000")
  else connect url

let use (pool : pool) f =
  let* result = Pool.use f pool in
  Caqti_lwt.or_fail result

let run pool sql = use pool (fun (module Db : Caqti_lwt.CONNECTION) -> Db.exec (direct T.(unit -->. unit) sql) ())
let point pool id = use pool (fun (module Db : Caqti_lwt.CONNECTION) -> Db.find point_request id)

let rec all f = function [] -> Lwt_result.return () | first :: rest -> Lwt_result.bind (f first) (fun () -> all f rest)

let insert pool accounts =
  use pool (fun (module Db : Caqti_lwt.CONNECTION) -> Db.with_transaction (fun () -> all (Db.exec insert_request) accounts))

(* It makes a transaction of its own. PostgreSQL's driver sends a COPY. *)
let bulk pool accounts =
  use pool (fun (module Db : Caqti_lwt.CONNECTION) ->
      Lwt.map Caqti.Error.uncongested
        (Db.populate ~table:"entry" ~columns:[ "id"; "owner"; "balance" ] account (Caqti_lwt.Stream.of_list accounts)))

let scan pool =
  use pool (fun (module Db : Caqti_lwt.CONNECTION) -> Db.fold scan_request (fun account sum -> add sum account) () 0)
