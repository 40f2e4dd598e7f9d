(* What the laws of streams share, both ways. *)

open Lwt.Syntax
open Law
open Probe

(* Those of the tables, which take their time; every law of its own is shown in all. *)
let few_places = [ Domain; Tokio; Thread ]
let upto n = List.init n Fun.id
let check_items what expected seen = Alcotest.(check (list int)) what expected seen

(* From Lwt 5.7 on a read that fails at once raises. *)
let get stream = Lwt.apply Lwt_stream.get stream

(* All items, and how it ended. *)
let read_all stream =
  let rec read items =
    let* next = ending (get stream) in
    match next with
    | Ok (Some item) -> read (item :: items)
    | Ok None -> Lwt.return (List.rev items, "end")
    | Error exn -> Lwt.return (List.rev items, Printexc.to_string exn)
  in
  read []

(* A million items of a string each. *)
let million = 1_000_000

let constant_memory name program =
  law name (fun () ->
      let live () =
        Gc.full_major ();
        (Gc.stat ()).live_words
      in
      let words = live () in
      let* () = program ~check:(fun () ->
          let more = live () - words in
          check_bool (Printf.sprintf "%d words more" more) true (more < 100_000))
      in
      Lwt.return_unit)
