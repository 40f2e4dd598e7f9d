(* Lwt 5 does not show its storage. But a callback runs with what was bound when it was put on its promise: so what is bound
   is kept by a promise with a callback, and bound again by resolving that.

   1. Each use needs a promise of its own: the callback makes the next one, before it does anything else.
   2. An asynchronous exception, such as [Sys.Break], may come when the promise is resolved and before its callback runs: Rust
      sees that its closure has not run, and tries again. So there are two promises; the next use makes good what is missing.
   3. What comes while the callback runs must not leave it, since it would go to [Lwt.async_exception_hook]: it is raised
      when Lwt has put the storage back. *)

type use = int Lwt.t * int Lwt.u
type kept = { mutable first : use; mutable second : use }
type t = Obj.t

external run : int -> unit = "ocaml_lwt_interop_under"

let is_used (promise, _) = not (Lwt.is_sleeping promise)

(* Rule 3. *)
let escaped = ref None

let rec fresh kept =
  let promise, resolver = Lwt.wait () in
  Lwt.on_success promise (fun number ->
      try
        make_good kept;
        run number
      with exn -> escaped := Some exn);
  (promise, resolver)

and make_good kept =
  try
    if is_used kept.first then kept.first <- fresh kept;
    if is_used kept.second then kept.second <- fresh kept
  with exn ->
    escaped := Some exn;
    make_good kept

let keep () =
  let unused = Lwt.wait () in
  let kept = { first = unused; second = unused } in
  kept.first <- fresh kept;
  kept.second <- fresh kept;
  Obj.repr kept

let nothing = keep ()

let rec under storage number =
  let kept : kept = Obj.obj storage in
  if not (is_used kept.first) then Lwt.wakeup (snd kept.first) number
  else if not (is_used kept.second) then Lwt.wakeup (snd kept.second) number
  else if storage != nothing then (* two exceptions in a row have come: nobody's is better than another's *) under nothing number
  else run number;
  match !escaped with
  | None -> ()
  | Some exn ->
      escaped := None;
      raise exn

let is_shown = false

(* A program that has no keys has nothing bound. Whether it has is seen by the number of a new one: Lwt counts them, and the
   first is Lwt's own, which is looked at by itself. Where Lwt keeps that number is looked at with care; a Lwt that does
   otherwise is taken for one whose programs have keys. *)

let number key =
  let key = Obj.repr (key : _ Lwt.key) in
  if Obj.is_block key && Obj.tag key = 0 && Obj.size key > 0 && Obj.is_int (Obj.field key 0) then
    Some (Obj.obj (Obj.field key 0) : int)
  else None

let own = (Lwt_unix.async_method_key [@alert "-deprecated"])
let new_key () : unit Lwt.key = Lwt.new_key ()
let last = ref 2

let has_keys =
  let first = number (new_key ()) in
  let second = number (new_key ()) in
  ref (number own <> Some 0 || first <> Some 1 || second <> Some 2)

(* All keys are made by one function of Lwt's: what two of them are, each is. It is looked at in each call that waits. *)
let refresh () =
  if not !has_keys then begin
    let next : int = Obj.obj (Obj.field (Obj.repr (new_key ())) 0) in
    if next = !last + 1 && Lwt.get own = None then last := next else has_keys := true
  end

let refresh_in_callback () =
  try refresh ()
  with exn ->
    (* How many keys there are is not known any more. *)
    has_keys := true;
    Escaped.keep exn

let cell = Obj.repr has_keys

let current () =
  refresh ();
  if !has_keys then keep () else Obj.repr 0
