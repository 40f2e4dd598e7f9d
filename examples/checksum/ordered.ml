(* Runs several jobs at a time and hands out their results in the order in which they were submitted. *)

open Lwt.Syntax

type state =
  | Open  (** From the start: jobs are submitted. *)
  | Closed  (** No job will follow; those that were submitted still begin. *)
  | Cancelled  (** None begins. *)

type 'a t = {
  slots : unit Lwt_pool.t;  (** One for each job that may run at a time. *)
  ahead : int;  (** How many results may wait for an earlier one. *)
  results : 'a Lwt.t Queue.t;  (** Of all jobs submitted and not handed out, in order. *)
  changed : unit Lwt_condition.t;
  mutable state : state;
}

let create ~jobs ~ahead =
  {
    slots = Lwt_pool.create jobs (fun () -> Lwt.return_unit);
    ahead;
    results = Queue.create ();
    changed = Lwt_condition.create ();
    state = Open;
  }

(* [submit t job] queues the job; fulfilled when there is room for it. *)
let rec submit t job =
  if t.state <> Open then Lwt.fail Lwt.Canceled
  else if Queue.length t.results >= t.ahead then
    let* () = Lwt_condition.wait t.changed in
    submit t job
  else begin
    let begin_job () = if t.state = Cancelled then Lwt.fail Lwt.Canceled else job () in
    Queue.add (Lwt_pool.use t.slots begin_job) t.results;
    Lwt_condition.broadcast t.changed ();
    Lwt.return_unit
  end

let move t state =
  t.state <- state;
  Lwt_condition.broadcast t.changed ()

let close t = if t.state = Open then move t Closed

(* [cancel t] cancels the jobs that run and forgets those that do not; what is done already is still handed out. *)
let cancel t =
  move t Cancelled;
  (* The callbacks of a cancelled promise change the queue. *)
  List.iter Lwt.cancel (List.of_seq (Queue.to_seq t.results))

(* [drain t ~emit ~idle] hands each result to [emit], until the last one after [close]. Calls [idle] when it is about
   to wait for one. *)
let rec drain t ~emit ~idle =
  match Queue.peek_opt t.results with
  | None when t.state <> Open -> idle ()
  | None ->
      let* () = idle () in
      (* [idle] takes its time. *)
      let* () =
        if Queue.is_empty t.results && t.state = Open then Lwt_condition.wait t.changed else Lwt.return_unit
      in
      drain t ~emit ~idle
  | Some result ->
      let* () = if Lwt.is_sleeping result then idle () else Lwt.return_unit in
      let* result =
        Lwt.catch
          (fun () -> Lwt.map Option.some result)
          (function Lwt.Canceled -> Lwt.return_none | exn -> Lwt.fail exn)
      in
      ignore (Queue.pop t.results : _ Lwt.t);
      Lwt_condition.broadcast t.changed ();
      let* () = Option.fold ~none:Lwt.return_unit ~some:emit result in
      drain t ~emit ~idle
