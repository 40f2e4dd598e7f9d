open Lwt.Syntax
module Row = Row

type kind = Driver.kind = Constraint | Serialization | Connection | Timeout | Conversion | Other

exception Failed = Driver.Failure.Failed

module Request = struct
  type ('p, 'r, 'many) t = { parameters : 'p Row.t; read : Row.reader -> 'r; sql : string }

  let request parameters row sql = { parameters; read = Row.read row; sql }
  let ( ->. ) = request
  let ( ->! ) = request
  let ( ->? ) = request
  let ( ->* ) = request
end

type connection = Driver.connection

open Request

let affect db { parameters; sql; _ } given = Driver.Connection.exec db sql (Row.write parameters given)
let exec db request given = Lwt.map (fun (_ : int) -> ()) (affect db request given)
let query db { parameters; sql; _ } given = Driver.Connection.query db sql (Row.write parameters given)

let one_of read bytes =
  match Row.fold read (fun rows row -> row :: rows) [] bytes with
  | [] -> None
  | [ row ] -> Some row
  | rows -> Row.refuse "%d rows, not one" (List.length rows)

let find_opt db request given = Lwt.map (one_of request.read) (query db request given)

let find db request given =
  let+ row = Lwt.map (one_of request.read) (query db request given) in
  match row with Some row -> row | None -> Row.refuse "0 rows, not one"

let collect_list db request given =
  let+ rows = query db request given in
  List.rev (Row.fold request.read (fun rows row -> row :: rows) [] rows)

(* The stream is closed, and the statement with it, however [f] ends. *)
let batches db { parameters; sql; _ } given f =
  let* stream = Driver.Connection.rows db sql (Row.write parameters given) in
  Rust_async.Stream.with_stream stream f

let fold db request given f start =
  batches db request given (fun stream -> Lwt_stream.fold (fun rows sum -> Row.fold request.read f sum rows) stream start)

let iter_s db request given f =
  let rec each reader =
    if Row.has_more reader then Lwt.bind (f (request.read reader)) (fun () -> each reader) else Lwt.return_unit
  in
  batches db request given (Lwt_stream.iter_s (fun rows -> each (Row.reader rows)))

let copy_in = Driver.Connection.copy_in

let copy_out db sql write =
  let* stream = Driver.Connection.copy_out db sql in
  let write chunk = if Lwt_bytes.length chunk = 0 then Lwt.return_unit else write chunk in
  Rust_async.Stream.with_stream stream (Lwt_stream.iter_s write)

module Pool = struct
  type t = Driver.pool

  let wait_for descriptor to_write =
    let descriptor = Lwt_unix.of_unix_file_descr ~blocking:false ~set_flags:false descriptor in
    if to_write then Lwt_unix.wait_write descriptor else Lwt_unix.wait_read descriptor

  let create ?(size = 5) ?(wait = 30.) url = Driver.Pool.create url size wait wait_for

  (* Rust sees no value of type ['a]: it stays here. *)
  let lend ~in_transaction pool f =
    let result = ref None in
    let body db = Lwt.map (fun value -> result := Some value) (f db) in
    let+ () = Driver.Pool.lend pool in_transaction body in
    Option.get !result

  let use pool f = lend ~in_transaction:false pool f
  let transaction pool f = lend ~in_transaction:true pool f

  let rec retry ?(attempts = 20) pool f =
    Lwt.catch
      (fun () -> transaction pool f)
      (function
        | Failed (Serialization, _) when attempts > 1 ->
            let* () = Lwt_unix.sleep (Random.float 0.01) in
            retry ~attempts:(attempts - 1) pool f
        | exn -> Lwt.fail exn)

  let listen pool channel f =
    let* stream = Driver.Pool.listen pool channel in
    Rust_async.Stream.with_stream stream f

  let status = Driver.Pool.status

  let rec idle pool =
    let connections, free = status pool in
    if free = connections then Lwt.return_unit
    else
      let* () = Lwt_unix.sleep 0.005 in
      idle pool

  let close = Driver.Pool.close
end

let panic () = Lwt.map (fun () -> assert false) (Driver.panic ())
