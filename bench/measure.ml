(* Runs cases in rounds: each round has every case once, so that what is compared was measured in the same second, and a
   machine that slows down slows down both. *)

open Lwt.Syntax
open Case

type plan = {
  rounds : int;
  seconds : float;  (** of a case in a round *)
  busy : bool;  (** judge by processor time: the machine has other things to do *)
}

(** Nanoseconds for an operation. *)
type time = { wall : float; cpu : float  (** of all threads *) }

type result = {
  case : Case.t;
  times : time list;  (** in order; never empty *)
  rounds : float list;  (** that of the two by which is judged *)
  ratio : float option;  (** to the baseline, in the same round: the median *)
  more : float option;  (** nanoseconds more than the baseline, likewise *)
}

external cpu_now : unit -> int = "bench_cpu_now" [@@noalloc]

type failure = { failed : Case.t; error : string }

let sorted numbers = List.sort compare numbers

(* Of no number it is none at all, which no bound is met by. *)
let quantile q numbers =
  let numbers = Array.of_list (sorted numbers) in
  let last = Array.length numbers - 1 in
  if last < 0 then nan else numbers.(int_of_float (Float.round (q *. float last)))

let median = quantile 0.5
let minimum = quantile 0.
let maximum = quantile 1.

(** How far the rounds lie apart, as a share of their median. *)
let spread numbers = (maximum numbers -. minimum numbers) /. median numbers

let is_met { case; rounds; ratio; more; times = _ } =
  let at_most bound = Option.fold ~none:false ~some:(fun number -> number <= bound) in
  Option.map
    (function
      | At_most nanoseconds -> median rounds <= nanoseconds | Times times -> at_most times ratio | More nanoseconds -> at_most nanoseconds more)
    case.bound

(** The number of steps that fill a round, found by doubling. *)
let calibrate plan case =
  let wanted = plan.seconds *. 1e9 in
  let rec double steps =
    let* elapsed = case.run steps in
    let elapsed = float (max 1 elapsed) in
    if elapsed < wanted /. 4. then double (2 * steps)
    else Lwt.return (max 1 (int_of_float (float steps *. wanted /. elapsed)))
  in
  match case.steps with Some steps -> Lwt.return steps | None -> double 1

let round case steps =
  Gc.full_major ();
  let cpu_before = cpu_now () in
  let+ elapsed = case.run steps in
  let each nanoseconds = float nanoseconds /. float (steps * case.size) in
  { wall = each elapsed; cpu = each (cpu_now () - cpu_before) }

(* What it gives, or what is wrong. *)
let guarded case f =
  Lwt.catch
    (fun () -> Lwt.map Result.ok (f ()))
    (fun exn -> Lwt.return_error { failed = case; error = Printexc.to_string exn })

(* A case that has failed once is left out from then on. *)
let one_round states =
  Lwt_list.map_s
    (fun (case, state) ->
      let+ state =
        match state with
        | Error _ -> Lwt.return state
        | Ok (steps, before) ->
            guarded case (fun () -> Lwt.map (fun time -> (steps, time :: before)) (round case steps))
      in
      (case, state))
    states

let compared_by operation rounds baseline =
  match baseline with
  | Some baseline when List.length baseline = List.length rounds -> Some (median (List.map2 operation rounds baseline))
  | _ -> None

let results plan states =
  let judged times = List.map (fun { wall; cpu } -> if plan.busy then cpu else wall) times in
  let rounds_of name =
    List.find_map
      (fun (case, state) ->
        match state with Ok (_, times) when case.name = name -> Some (judged (List.rev times)) | _ -> None)
      states
  in
  List.partition_map
    (fun (case, state) ->
      match state with
      | Error failure -> Either.Right failure
      | Ok (_, times) ->
          let times = List.rev times in
          let rounds = judged times in
          let baseline = Option.bind case.baseline rounds_of in
          let ratio = compared_by ( /. ) rounds baseline and more = compared_by ( -. ) rounds baseline in
          Either.Left { case; times; rounds; ratio; more })
    states

(** [progress] is told what happens. *)
let run plan ~progress cases =
  progress (Printf.sprintf "calibrating %d cases" (List.length cases));
  let* calibrated =
    Lwt_list.map_s
      (fun case ->
        let+ steps = guarded case (fun () -> calibrate plan case) in
        (case, Result.map (fun steps -> (steps, [])) steps))
      cases
  in
  let rec rounds n states =
    if n > plan.rounds then Lwt.return (results plan states)
    else begin
      progress (Printf.sprintf "round %d of %d" n plan.rounds);
      let* states = one_round states in
      rounds (n + 1) states
    end
  in
  rounds 1 calibrated
