open Lwt.Infix
open Node

type account = { balance : int; counter : int }

let key name = "account/" ^ name

(* Rust's store answers, and Lwt goes on meanwhile. *)
let find context name =
  Context.get context (key name) >|= function
  | None -> { balance = 0; counter = 0 }
  | Some text -> Scanf.sscanf text "%d %d" (fun balance counter -> { balance; counter })

let put context name { balance; counter } = Context.set context (key name) (Printf.sprintf "%d %d" balance counter)
let genesis context = put context "treasury" { balance = 1_000_000_000; counter = 0 }
let account context name = find context name >|= fun { balance; counter } -> (balance, counter)

(* Scripts are there to show what becomes of a protocol that behaves badly. *)
let run_script = function
  | "raise" -> failwith "the script has raised"
  | "forever" -> Lwt_unix.sleep 1e9 >|= fun () -> Ok 0
  | "allocate" ->
      let lists = List.init 1000 (fun i -> List.init 1000 (fun j -> (i, j))) in
      Lwt.return (Ok (List.length (Sys.opaque_identity lists) * 0))
  | "exit" -> exit 3
  | other -> Lwt.return (Error (UnknownScript other))

let transfer context ~source ~destination ~amount =
  find context source >>= fun from ->
  if amount < 0 || amount > from.balance then Lwt.return (Error (Balance { has = from.balance }))
  else
    put context source { from with balance = from.balance - amount } >>= fun () ->
    find context destination >>= fun into ->
    put context destination { into with balance = into.balance + amount } >|= fun () -> Ok amount

(* How much it has transferred, or why it cannot be applied. *)
let apply context { source; counter; content } =
  find context source >>= fun account ->
  if counter <> account.counter + 1 then Lwt.return (Error (Counter { expected = account.counter + 1 }))
  else
    put context source { account with counter } >>= fun () ->
    match content with
    | Transfer { destination; amount } -> transfer context ~source ~destination ~amount
    | Script script -> run_script script

let apply_block context { level; operations } =
  let rec go index transferred =
    if index = Array.length operations then Lwt.return (Ok { level; transferred })
    else
      apply context operations.(index) >>= function
      | Ok amount -> go (index + 1) (transferred + amount)
      | Error reason -> Lwt.return (Error (BadOperation { index; reason }))
  in
  go 0 0
