(* What an operation costs when so many are under way at the same time: a curve for each kind, beside its baseline's. *)

open Case

let sizes = [ 1; 10; 100; 1_000; 10_000; 100_000; 1_000_000 ]

let group = "many/"

(** [many/KIND-SIZE]. *)
let name kind size = Printf.sprintf "%s%s-%d" group kind size

(** [bound] holds from ten at a time to 100,000: one alone is the group [call/]'s, and a million are for the picture. *)
let curve ?baseline ?bound kind what f =
  List.map
    (fun size ->
      let bound = if size >= 10 && size <= 100_000 then bound else None in
      case (name kind size)
        (Printf.sprintf "%s, %s at a time" what (Report.with_commas size))
        ~size
        ?baseline:(Option.map (fun kind -> name kind size) baseline)
        ?bound (together size f))
    sizes

let all =
  curve "bind" "Lwt.return and bind" Lwt.return
  @ curve "ready" "ready at its first poll" Rust_half.Calls.bench_ready ~baseline:"bind" ~bound:(Times 2.)
  @ curve "pause" "Lwt.pause and bind" Lwt.pause
  @ curve "yield" "yields once" Rust_half.Calls.bench_yield ~baseline:"pause" ~bound:(Times 1.1)
