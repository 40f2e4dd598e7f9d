(* A case of the list: what is done again and again, and what its time is compared with. *)

type bound =
  | At_most of float  (** nanoseconds for an operation *)
  | Times of float  (** times its baseline *)
  | More of float  (** nanoseconds more than its baseline *)

type t = {
  name : string;  (** [group/what], of letters, digits and dashes: [--case] takes a prefix *)
  what : string;
  size : int;  (** the operations in a step *)
  steps : int option;  (** [None]: as many as fill a round *)
  baseline : string option;  (** the name of another case *)
  bound : bound option;
  run : int -> int Lwt.t;  (** the nanoseconds that so many steps take *)
}

external now : unit -> int = "bench_now" [@@noalloc]

let case ?(size = 1) ?steps ?baseline ?bound name what run = { name; what; size; steps; baseline; bound; run }

(* For [run]. *)

(** Rust repeats it, and gives the nanoseconds that it took. *)
let timed_by_rust f steps = Lwt.return (f steps)

(** Rust repeats it. *)
let repeated_by_rust f steps =
  let beginning = now () in
  Lwt.map (fun _ -> now () - beginning) (f steps)

(** A function that returns its value. *)
let in_a_loop f steps =
  let beginning = now () in
  for _ = 1 to steps do
    ignore (Sys.opaque_identity (f ()))
  done;
  Lwt.return (now () - beginning)

(** A function that returns a promise; called again when that is fulfilled. *)
let in_a_row f =
  let rec loop n = if n = 0 then Lwt.return_unit else Lwt.bind (f ()) (fun _ -> loop (n - 1)) in
  repeated_by_rust loop

(** So many calls, each with something bound to it, and one wait for all of them; then again. *)
let together size f =
  let call () = Lwt.bind (f ()) (fun _ -> Lwt.return_unit) in
  let rec calls n promises = if n = 0 then promises else calls (n - 1) (call () :: promises) in
  in_a_row (fun () -> Lwt.join (calls size []))
