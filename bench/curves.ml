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

(** Of the results, the curves by kind, and whether there is one: each a name, and nanoseconds at so many at a time. *)
let of_results results =
  let times name =
    List.find_map
      (fun { Measure.case; rounds; _ } -> if case.name = name then Some (Measure.median rounds) else None)
      results
  in
  let curve kind =
    let points = List.filter_map (fun size -> Option.map (fun time -> (size, time)) (times (name kind size))) sizes in
    { Rust_half.name = kind; points = Array.of_list points }
  in
  List.map curve [ "bind"; "ready"; "pause"; "yield" ] |> List.filter (fun { Rust_half.points; _ } -> points <> [||])
