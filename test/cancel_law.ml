(* What the laws of cancellation share, both ways. *)

open Probe

(* Of the loop. *)
let rec turns n = if n = 0 then Lwt.return_unit else Lwt.bind (Lwt.pause ()) (fun () -> turns (n - 1))
let is_canceled promise = match Lwt.state promise with Lwt.Fail Lwt.Canceled -> true | _ -> false
let never () = fst (Lwt.task ())
let places = [ Domain; Tokio; Thread ]
let for_places laws = List.concat_map laws places
let await_in = Rust_half.Matrix.matrix_promise
