(* Whether anybody waits for the next item of a [Lwt_stream.from], and the function that this was given.

   Why this is needed although streams can be closed: a read that was cancelled ([Lwt.pick], a timeout), of a stream that was
   forgotten then, closes nothing. Without a look the open read would keep a silent Rust stream, and what it holds, for ever. And
   [Rust_async.Stream.close] itself has nothing but the [Lwt_stream.t] to find the Rust stream by: its function.

   The function of the stream gives a promise, and Lwt protects the promise from the readers. A read that is cancelled leaves the
   promise as it was, and nobody is told. There is one trace: the promise has lost a callback. So this looks where Lwt 5.6 to 6.1
   keep callbacks: [Lwt_stream.t] and [from] in lwt_stream.ml; [promise], [state], [callbacks] and [regular_callback_list] in
   lwt.ml. It changes nothing, and checks each block before it reads its fields. A trial notices a Lwt that keeps callbacks in
   another way. Then the answer is always yes, and a stream lives until its next item. *)

exception Unknown

let field block ~tag ~size i =
  if Obj.is_block block && Obj.tag block = tag && Obj.size block = size then Obj.field block i else raise Unknown

let rec any_callback callbacks =
  if Obj.is_int callbacks then false
  else
    match (Obj.tag callbacks, Obj.size callbacks) with
    | 0, 2 -> any_callback (Obj.field callbacks 0) || any_callback (Obj.field callbacks 1)
    | 1, 1 -> true
    | 2, 1 -> Obj.is_block (field (Obj.field callbacks 0) ~tag:0 ~size:1 0) (* not removed *)
    | _ -> raise Unknown

let rec promise_is_waited promise =
  let state = field promise ~tag:0 ~size:1 0 in
  if Obj.is_int state || Obj.size state <> 1 then raise Unknown
  else
    match Obj.tag state with
    | 0 | 1 -> false
    | 2 -> any_callback (field (Obj.field state 0) ~tag:0 ~size:4 0)
    | 3 -> promise_is_waited (Obj.field state 0)
    | _ -> raise Unknown

let look stream =
  let stream = Obj.repr (stream : _ Lwt_stream.t) in
  if not (Obj.is_block stream && Obj.tag stream = 0 && Obj.size stream >= 4) then raise Unknown;
  let from = field (Obj.field stream 0) ~tag:0 ~size:1 0 in
  promise_is_waited (field from ~tag:0 ~size:2 1)

(* What [Lwt_stream.from] was given. *)
let function_of_stream stream =
  let stream = Obj.repr (stream : _ Lwt_stream.t) in
  if not (Obj.is_block stream && Obj.tag stream = 0 && Obj.size stream >= 4) then raise Unknown;
  let f = field (field (Obj.field stream 0) ~tag:0 ~size:1 0) ~tag:0 ~size:2 0 in
  if Obj.is_block f && Obj.tag f = Obj.closure_tag then f else raise Unknown

(* Whether all of it is so in this program's Lwt; [None] before it was tried. (Not lazy: that would keep what a signal handler
   raises meanwhile, and raise it for ever.) *)
let known = ref None

let try_it () =
  let known_now =
    try
      let never () = fst (Lwt.wait ()) in
      let stream = Lwt_stream.from never in
      let at_first = look stream in
      let reads = List.init 3 (fun _ -> Lwt_stream.get stream) in
      let while_read = look stream in
      Lwt.cancel (List.hd reads);
      let while_some_read = look stream in
      List.iter Lwt.cancel reads;
      function_of_stream stream == Obj.repr never && (not at_first) && while_read && while_some_read && not (look stream)
    with Unknown -> false
  in
  known := Some known_now

let prepare () = match !known with None -> try_it () | Some _ -> ()
let or_yes look at = (match !known with Some true -> false | _ -> true) || try look at with Unknown -> true

(* Whether anybody waits for the next item, or it is not known. *)
let by_anybody stream = or_yes look stream

(* Whether anything is to happen when this promise is settled, or it is not known. *)
let promise promise = or_yes promise_is_waited (Obj.repr (promise : _ Lwt.t))

let function_of stream =
  match !known with
  | Some true -> ( try Some (function_of_stream stream) with Unknown -> None)
  | _ -> None

let is_known () =
  prepare ();
  !known = Some true
