(* Performs an operation: a promise, and the endings that it may have. *)

open Lwt.Syntax
open Operation
module Pool = Rust_async.Domain_pool

let function_ = Rust_half.Stress.stress_function
let on_workers = Rust_half.Stress.stress_on_workers
let blocking = Rust_half.Stress.stress_blocking
let detached = Rust_half.Stress.stress_detached
external hold : parameters -> int Lwt.t -> (int -> int Lwt.t) -> 'a -> int Lwt.t = "interop_tests__stress_hold"
external scatter : parameters -> int Lwt.t -> (int -> int) -> 'a -> int Lwt.t = "interop_tests__stress_scatter"
let callback = Rust_half.Stress.stress_callback
let text = Rust_half.Stress.stress_text
let promise = Rust_half.Stress.stress_promise
let resolver = Rust_half.Stress.stress_resolver
let call_async = Rust_half.Stress.stress_call_async
let blocking_call = Rust_half.Stress.stress_blocking_call
let pool_call = Rust_half.Stress.stress_pool_call
let spawn = Rust_half.Stress.stress_spawn
let handle_call = Rust_half.Stress.stress_handle_call
let run_blocking_on_pool = Rust_half.Stress.stress_run_blocking_on_pool
let run_blocking = Rust_half.Stress.stress_run_blocking
let rust_stream = Rust_half.Stress.stress_rust_stream
let ocaml_stream = Rust_half.Stress.stress_ocaml_stream
type object_ = Rust_half.stress_object

let object_make = Rust_half.Stress.StressObject.make
let object_hold = Rust_half.Stress.StressObject.hold
let object_at_home = Rust_half.Stress.StressObject.at_home
let object_on_workers = Rust_half.Stress.StressObject.on_workers
let object_close = Rust_half.Stress.StressObject.close
let lent = Rust_half.Stress.stress_lent

exception Refused of string

(* What is bound in an operation of Lwt's keys: its number, or nothing. OCaml functions at home that Rust calls for it look. *)
let whose : int Lwt.key = Lwt.new_key ()

let bound number = if number mod 3 = 0 then None else Some number
let look number = if Lwt.get whose <> bound number then failwith "another operation's key is bound"

let given_up = -1

let rec pauses turns =
  if turns = 0 then Lwt.return_unit
  else
    let* () = Lwt.pause () in
    pauses (turns - 1)

(* By Rust. *)
let ends { number; ending; _ } seen =
  match (ending, seen) with
  | Value, Ok value -> value = number + 1
  | Error, Error (Rust_async.Rust_error { message; causes = [] }) -> message = Printf.sprintf "error of %d" number
  | Panic, Error (Rust_async.Rust_panic { message; _ }) -> message = Printf.sprintf "panic of %d" number
  | Dropped, Error Rust_async.Broken_promise -> true
  | _ -> false

(* By OCaml, whose exception is to be the very same. *)
let returns { number; ending; gives_up; _ } sent seen =
  match (ending, seen) with
  | Value, Ok value when value = number + 1 -> true
  | Error, Error exn when exn == sent -> true
  | _, Ok value -> value = given_up && gives_up >= 0
  (* A promise that nobody can resolve, and the collector was faster. *)
  | Dropped, Error Rust_async.Broken_promise -> true
  | _ -> false

(* What runs on any thread: it leaves promises alone. *)
let compute ({ turns; ending; _ } : parameters) sent ~between n =
  for i = 1 to turns do
    ignore (Sys.opaque_identity (List.init 20 string_of_int));
    between i
  done;
  if ending = Error then raise sent else n + 1

let there = function 1 -> Thread.yield () | 2 -> Unix.sleepf 1e-5 | _ -> ()

(* What Rust is called for on a worker domain, where promises that are settled may be had. *)
let on_a_worker_domain (given : parameters) sent n =
  match given.turns land 3 with
  | 0 when given.ending = Value ->
      let value = Pool.await (callback { given with wait = Yields; place = Tokio } (fun n -> Lwt.return (n + 1))) in
      value - n - 1 + Pool.await (call_async given (fun n -> n + 1))
  | 1 when given.ending = Value -> Pool.await (spawn given)
  | 2 when given.ending = Value -> compute given sent ~between:ignore (Pool.await (on_workers given) - 1)
  | _ -> Pool.await (function_ given)

let settles (given : parameters) sent =
  match given.ending with
  | Dropped | Panic -> fst (if given.protects then Lwt.wait () else Lwt.task ())
  | Value | Error ->
      let* () = pauses given.turns in
      if given.ending = Error then Lwt.fail sent else Lwt.return (given.number + 1)

(* Reads a Rust stream: every item, in order, and the ending behind the last of them; or gives it up before. *)
let reads (given : parameters) stream =
  let n = given.number and items = items given in
  let wrong format = Printf.ksprintf (fun text -> Lwt.fail (Failure text)) format in
  let get () = Lwt.apply Lwt_stream.get stream in
  (* A read that nobody waits for would keep a stream that is silent, so it is cancelled even when this is. *)
  let cancelled_after turns =
    let read = get () in
    let* () = Lwt.catch (fun () -> pauses turns) (fun _ -> Lwt.return_unit) in
    Lwt.cancel read;
    read
  in
  let next () =
    if not given.protects then get ()
    else
      (* It loses nothing. *)
      Lwt.catch (fun () -> cancelled_after (given.turns land 1)) (function Lwt.Canceled -> get () | exn -> Lwt.fail exn)
  in
  let ends i ending =
    let* behind = get () in
    match behind with
    | Some item -> wrong "%d comes behind the ending" item
    | None when i <> items -> wrong "ended after %d items of %d" i items
    | None -> ending
  in
  let rec read i =
    if i = given.gives_up then begin
      (* Or it goes when it is collected. *)
      if n land 1 = 0 then Rust_async.Stream.close stream;
      Lwt.return given_up
    end
    else if i = items && given.ending = Dropped then
      (* Nothing comes any more. *)
      Lwt.try_bind
        (fun () -> cancelled_after given.turns)
        (fun _ -> wrong "something comes behind the last item")
        (function Lwt.Canceled -> Lwt.return given_up | exn -> Lwt.fail exn)
    else
      Lwt.try_bind next
        (function
          | Some item when item = n + i && i < items -> read (i + 1)
          | Some item -> wrong "item %d of %d is %d" i items item
          | None -> ends i (Lwt.return (n + 1)))
        (function Lwt.Canceled -> Lwt.fail Lwt.Canceled | exn -> ends i (Lwt.fail exn))
  in
  read 0

(* A stream for Rust: what is pushed, by a writer who may have to wait; or what a function gives, which may raise. *)
let writes (given : parameters) sent =
  let n = given.number and items = items given in
  let turn i = if i land 3 = 3 then Lwt.pause () else Lwt.return_unit in
  if given.protects && given.ending <> Error then begin
    let stream, push, close =
      if given.turns land 1 = 0 then
        let stream, push = Lwt_stream.create () in
        (stream, (fun item -> push (Some item); Lwt.return_unit), fun () -> push None)
      else
        let stream, push = Lwt_stream.create_bounded 3 in
        (stream, push#push, fun () -> push#close)
    in
    let rec write i =
      let* () = turn i in
      if i < items then Lwt.bind (push (n + i)) (fun () -> write (i + 1))
      else begin
        if given.ending = Value then close ();
        Lwt.return_unit
      end
    in
    Lwt.async (fun () -> write 0);
    stream
  end
  else begin
    let next = ref 0 in
    Lwt_stream.from (fun () ->
        let i = !next in
        look n;
        incr next;
        let* () = turn i in
        if i < items then Lwt.return_some (n + i)
        else
          match given.ending with
          | Value -> Lwt.return_none
          | Error -> Lwt.fail sent
          | Panic | Dropped -> fst (Lwt.wait ()))
  end
[@@ocamlformat "disable"]

let perform pool { kind; given; _ } : int Lwt.t * ((int, exn) result -> bool) =
  let n = given.number in
  (* Made only where it is sent, or each operation would have one. *)
  let sending f =
    let sent = Refused (string_of_int n) in
    (f sent, returns given sent)
  in
  let the_pool () = Option.get pool in
  match kind with
  | Function -> (function_ given, ends given)
  | On_workers -> (on_workers given, ends given)
  | Blocking -> (blocking given, ends given)
  | Detached -> (detached given, ends given)
  | Hold -> (hold given (fst (Lwt.task ())) Lwt.return (ref n), fun _ -> false)
  | Scatter -> (scatter given (fst (Lwt.wait ())) succ (ref n), ends given)
  | Callback ->
      sending (fun sent ->
          callback given (fun came ->
              look n;
              if came <> n then failwith "another number";
              if given.ending = Error && given.turns = 0 then raise sent else settles given sent))
  | Text ->
      let long = String.concat " " (List.init given.turns (fun i -> string_of_int (n + i))) in
      sending (fun sent ->
          let answer text =
            look n;
            if given.ending = Error then raise sent else Lwt.return (text ^ text) in
          let+ came = text given long answer in
          if came = long ^ long then n + 1 else n)
  | Promise -> sending (fun sent -> promise given (settles given sent))
  | Collected -> (promise given (fst (Lwt.wait ())), ends { given with ending = Dropped })
  | Resolver ->
      let ending = if given.ending = Panic then Dropped else given.ending in
      (Lwt.bind (resolver given) Fun.id, ends { given with ending })
  | Call_async -> sending (fun sent -> call_async given (fun n -> look n; compute given sent ~between:ignore n))
  | Blocking_call -> sending (fun sent -> blocking_call given (compute given sent ~between:there))
  | Spawn -> (spawn given, ends given)
  | Handle_call -> (handle_call given, ends given)
  | Run_blocking_on_pool ->
      sending (fun sent -> run_blocking_on_pool given (compute given sent ~between:ignore))
  | Run_blocking -> (run_blocking given, ends given)
  | Rust_stream ->
      let may_end = function
        | Ok value when value = given_up -> given.gives_up >= 0 || given.ending = Dropped
        | ending -> given.ending <> Dropped && ends given ending
      in
      (Lwt.bind (rust_stream given) (reads given), may_end)
  | Ocaml_stream -> sending (fun sent -> ocaml_stream given (writes given sent))
  | Object ->
      let object_ = object_make n in
      if n land 1 = 0 then object_hold object_ (object_make (n + 1));
      let call = match given.place with Home -> object_at_home | Tokio | Thread -> object_on_workers in
      let promise = call object_ given in
      if n land 6 = 0 then object_close object_;
      (promise, ends given)
  | Lent ->
      let length = n land 63 in
      let array = Lwt_bytes.create length in
      Lwt_bytes.fill array 0 length ' ';
      let written ending =
        let byte = match ending with Ok _ -> Char.chr (n land 255) | Error _ -> ' ' in
        Lwt_bytes.to_string array = String.make length byte
      in
      (* It is back before the promise is settled. *)
      (lent given array, fun ending -> ends given ending && written ending)
  | Detach -> sending (fun sent -> Pool.detach (the_pool ()) (compute given sent ~between:there) n)
  | Detach_await ->
      sending (fun sent -> Pool.detach (the_pool ()) (on_a_worker_domain given sent) n) |> fun (promise, _) ->
      (promise, ends given)
  | Pool_call -> sending (fun sent -> pool_call given (the_pool ()) (compute given sent ~between:there))

let start pool operation =
  Lwt.with_value whose (bound operation.given.number) (fun () -> perform pool operation)
