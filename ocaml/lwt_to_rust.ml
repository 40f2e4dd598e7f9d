(* Rust must not keep an awaited promise alive, or it could not be collected when nobody can resolve it any
   more; so Rust holds the index of a weak table, and the callbacks hold the subscription. *)

type token

external fulfilled : token -> Obj.t -> unit = "ocaml_lwt_interop_fulfilled"
external rejected : token -> exn -> unit = "ocaml_lwt_interop_rejected"
external cancelled : token -> exn -> unit = "ocaml_lwt_interop_cancelled"
external forget : token -> unit = "ocaml_lwt_interop_forget" [@@noalloc]
external broken : token -> unit = "ocaml_lwt_interop_broken"

(* Rust ticks in these, but where a promise is cancelled; they are called by callbacks on promises. *)

let fulfilled token value =
  Storage.refresh_in_callback ();
  fulfilled token value

let rejected token exn =
  Storage.refresh_in_callback ();
  match exn with Lwt.Canceled -> cancelled token exn | _ -> rejected token exn

type subscription = {
  promise : Obj.t Lwt.t;
  guard : Obj.t Lwt.t;  (* what the callbacks are on *)
  token : token;
}

let subscriptions : subscription Weak.t ref = ref (Weak.create 64)

(* For each of them, whether the future cancels the promise when it is dropped: here, where it costs no word of a wait. *)
let cancels = ref (Bytes.make 64 'n')

let remember index subscription is_cancelled =
  let size = Weak.length !subscriptions in
  if index >= size then begin
    let larger = Weak.create (max (2 * size) (index + 1)) in
    Weak.blit !subscriptions 0 larger 0 size;
    let flags = Bytes.make (Weak.length larger) 'n' in
    Bytes.blit !cancels 0 flags 0 size;
    cancels := flags;
    subscriptions := larger
  end;
  Bytes.set !cancels index (if is_cancelled then 'y' else 'n');
  Weak.set !subscriptions index (Some subscription)

(* Rust says whether the wait is direct (bit 0): whether its callbacks may stay on the promise, see subscription.rs. What is on
   the guard can be taken off, by cancelling that. Bit 1 is its flag in [cancels]. *)
let subscribe promise token index_and_bits =
  let guard = if index_and_bits land 1 = 1 then promise else Lwt.protected promise in
  let subscription = { promise; guard; token } in
  remember (index_and_bits lsr 2) subscription (index_and_bits land 2 = 2);
  Lwt.on_any guard
    (fun value -> fulfilled subscription.token value)
    (fun exn -> rejected subscription.token exn)

(* An exception that left Lwt's own code may have kept callbacks from being called. *)
let resume_subscriptions () =
  for index = 0 to Weak.length !subscriptions - 1 do
    match Weak.get !subscriptions index with
    | None -> ()
    | Some { promise; token; _ } -> (
        match Lwt.state promise with
        | Lwt.Sleep -> ()
        | Lwt.Return value -> fulfilled token value
        | Lwt.Fail exn -> rejected token exn)
  done

let release index cancelled =
  match Weak.get !subscriptions index with
  | None -> ()
  | Some { promise; guard; token } ->
      if cancelled then Lwt.cancel promise;
      if guard == promise then forget token else Lwt.cancel guard

(* At the end of the bridge: each wait ends with an error, and what a future would have cancelled is cancelled. The weak table has lost
   a promise that the collector has found to be garbage, and has not freed yet: when it is freed, its token tells Rust. *)
let break_all is_again =
  if is_again then Gc.full_major ();
  let all = !subscriptions in
  for index = 0 to Weak.length all - 1 do
    match Weak.get all index with
    | None -> ()
    | Some { promise; token; _ } ->
        broken token;
        if Bytes.get !cancels index = 'y' then Lwt.cancel promise
  done
