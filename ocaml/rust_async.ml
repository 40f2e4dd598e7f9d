(* The OCaml half of the bridge. What Rust does is in rust/ocaml-lwt-interop/src; the externals stand in exports.rs, in
   this order. *)

exception Rust_error of { message : string; causes : string list }
exception Rust_panic of { message : string; location : string }
exception Broken_promise
exception Misuse of string

let () =
  Printexc.register_printer (function
    | Rust_error { message; causes } ->
        Some (String.concat ": " (("Rust_async.Rust_error: " ^ message) :: causes))
    | Rust_panic { message; location } ->
        Some
          (if location = "" then Printf.sprintf "Rust_async.Rust_panic: %s" message
          else Printf.sprintf "Rust_async.Rust_panic: %s, at %s" message location)
    | Broken_promise -> Some "Rust_async.Broken_promise"
    | Misuse message -> Some ("Rust_async.Misuse: " ^ message)
    | _ -> None)

(* Rust finds the exception by its name, or by the number of its constructor; see registered.rs. *)
let register_exception name exn =
  if String.contains name '\000' then invalid_arg "Rust_async.register_exception: a zero byte in the name";
  let constructor = Obj.Extension_constructor.(id (of_val exn)) in
  Callback.register ("ocaml_lwt_interop.exception." ^ name) exn;
  Callback.register (Printf.sprintf "ocaml_lwt_interop.constructor.%d" constructor) exn

(* Owned by the callbacks on a promise that Rust awaits; see token.rs. *)
type token

type backtrace = Printexc.raw_backtrace option

(* Owns a Rust stream that OCaml reads; see stream_token.rs. *)
type stream_token

(* What a pull gave; the order is that of exports.rs. *)
type pulled = Nothing | Something | Elsewhere [@@warning "-37"]

(* What comes behind the items of a Rust stream; the order is that of reader.rs. *)
type ending = Not_yet | End | Failed of exn * backtrace [@@warning "-37"]

(* A read of a Rust stream that was begun: what [Lwt_stream] was given. *)
type read = { promise : Obj.t option Lwt.t; resolver : Obj.t option Lwt.u }

(* A Rust stream as OCaml reads it. Rust knows the first four fields, see reader.rs. *)
type reader = {
  stream_token : stream_token;
  mutable items : Obj.t;
  mutable taken : int;  (* how many of the items were read *)
  mutable ending : ending;
  mutable begun : read option;  (* open, or settled and not looked at since *)
  mutable read_by : Obj.t Lwt_stream.t option;
}

(* An OCaml stream as Rust reads it. Rust makes it, and knows all fields; the order is that of source.rs. *)
type source = {
  whose : Obj.t Lwt_stream.t;
  mutable get : Obj.t option Lwt.t;  (* the read that was begun, if one was *)
  mutable is_begun : bool;
  mutable got : Obj.t list;  (* the newest first *)
  mutable count : int;
  mutable ready : Obj.t list;  (* for Rust to take *)
  mutable behind : Obj.t;  (* what comes behind them: [more], [no_more], or the exception *)
  mutable window : int;  (* how many may cross at once *)
}

(* A promise that Rust settles. *)
type pending = Obj.t Lwt.t * Obj.t Lwt.u

(* What Rust calls; the order is that of callbacks.rs. An asynchronous exception (a signal handler's, a finaliser's) may leave
   any of them at any allocation. Rust then calls most of them again, until they return: so what was done by the call that was
   left is done once, or twice without harm. *)
type callbacks = {
  resolved : Obj.t -> Obj.t Lwt.t;
  failed : exn -> backtrace -> Obj.t Lwt.t;
  pending : int -> bool -> pending;
  fulfil : pending -> Obj.t -> unit;
  reject : pending -> exn -> backtrace -> unit;
  arm : unit -> unit;
  state : Obj.t Lwt.t -> Obj.t Lwt.state;
  subscribe : Obj.t Lwt.t -> token -> int -> unit;
  release : int -> bool -> unit;
  cancel : Obj.t Lwt.t -> unit;
  describe : exn -> string * backtrace;
  async : exn -> unit;
  rust_error : string -> string list -> exn;
  rust_panic : string -> string -> exn;
  broken_promise : unit -> exn;
  misuse : string -> exn;
  predefined : int -> string -> exn;
  canceled : unit -> exn;
  stream : stream_token -> Obj.t Lwt_stream.t;
  deliver : reader -> unit;
  close_unless_waited : reader -> bool;
  read : source -> int -> source Lwt.t;
  collect : source -> unit;
  break_all : unit -> unit;
  guest : int -> string;
  bound : unit -> Storage.t;
  under : Storage.t -> int -> unit;
  cell : Obj.t;
  nothing : Storage.t;
  is_shown : bool;
}

external start_executor : callbacks -> int = "ocaml_lwt_interop_start"
external enter_turn : unit -> int = "ocaml_lwt_interop_enter_turn" [@@noalloc]
external leave_turn : unit -> unit = "ocaml_lwt_interop_leave_turn" [@@noalloc]
external is_lwt_thread : unit -> bool = "ocaml_lwt_interop_is_lwt_thread" [@@noalloc]
external tick : bool -> unit = "ocaml_lwt_interop_tick"
external must_arm : bool -> bool = "ocaml_lwt_interop_must_arm" [@@noalloc]
external armed : unit -> unit = "ocaml_lwt_interop_armed" [@@noalloc]
external lost_pause : unit -> unit = "ocaml_lwt_interop_lost_pause" [@@noalloc]
external cancel : int -> unit = "ocaml_lwt_interop_cancel"
external fulfilled : token -> Obj.t -> unit = "ocaml_lwt_interop_fulfilled"
external rejected : token -> exn -> unit = "ocaml_lwt_interop_rejected"
external forget : token -> unit = "ocaml_lwt_interop_forget" [@@noalloc]
external broken : token -> unit = "ocaml_lwt_interop_broken"
external pull : reader -> pulled = "ocaml_lwt_interop_pull"
external open_read : reader -> bool = "ocaml_lwt_interop_open_read" [@@noalloc]
external major_cycle_ended : unit -> unit = "ocaml_lwt_interop_major_cycle_ended" [@@noalloc]
external shutdown_executor : float -> unit = "ocaml_lwt_interop_shutdown"
external disown : unit -> unit = "ocaml_lwt_interop_disown"

external was_raised_last : exn -> bool = "ocaml_lwt_interop_is_raised_last" [@@noalloc]
external flush_at_exit : unit -> unit = "ocaml_lwt_interop_flush_at_exit" [@@noalloc]

external configure_tokio : int option -> string option -> int option -> int option -> float option -> bool
  = "ocaml_lwt_interop_configure"

(* What Rust knows of a pool of worker domains by its number, which is the first field. *)
type pool = { number : int; domains : Domains.t array; mutable ended : unit Lwt.t option }

external pool_create : int -> int = "ocaml_lwt_interop_pool_create"
external pool_start : int -> int -> unit = "ocaml_lwt_interop_pool_start" [@@noalloc]
external pool_serve : (unit -> unit) -> unit = "ocaml_lwt_interop_pool_serve"
external pool_turn : unit -> bool = "ocaml_lwt_interop_pool_turn"
external pool_gone : int -> int -> unit = "ocaml_lwt_interop_pool_gone" [@@noalloc]
external pool_close : int -> bool -> unit Lwt.t = "ocaml_lwt_interop_pool_close"
external pool_forget : int -> unit = "ocaml_lwt_interop_pool_forget" [@@noalloc]
external pool_detach : pool -> (unit -> 'a) -> 'a Lwt.t = "ocaml_lwt_interop_pool_detach"

(* Guests: threads for functions that block. *)

external guest_next : int -> Obj.t = "ocaml_lwt_interop_guest_next"
external guest_begins : unit -> unit = "ocaml_lwt_interop_guest_begins" [@@noalloc]
external guest_ended : unit -> unit = "ocaml_lwt_interop_guest_ended" [@@noalloc]
external guest_returned : Obj.t -> unit = "ocaml_lwt_interop_guest_returned"
external guest_raised : exn -> string * backtrace -> unit = "ocaml_lwt_interop_guest_raised"
external guest_exited : unit -> unit = "ocaml_lwt_interop_guest_exited"
external stats_of_executor : unit -> int * int * int = "ocaml_lwt_interop_stats"

(* Rust may tick or poll in these, and has to know whether anything is bound. The first four are callbacks on promises, where
   Lwt has its hook called with what is raised. *)

let tick from_pause =
  Storage.look_in_callback ();
  tick from_pause

let cancel key =
  Storage.look_in_callback ();
  cancel key

let fulfilled token value =
  Storage.look_in_callback ();
  fulfilled token value

let rejected token exn =
  Storage.look_in_callback ();
  rejected token exn

let pull stream_token =
  Storage.look ();
  pull stream_token

let shutdown_executor timeout =
  Storage.look ();
  shutdown_executor timeout

(* Endings. *)

(* [Printexc.get_raw_backtrace] in a handler of the rejected promise gives the backtrace that the exception came with:
   Lwt keeps none, so it is put back where the runtime keeps the last one. *)
let restore_backtrace exn = function
  | None -> ()
  | Some backtrace -> ( try Printexc.raise_with_backtrace exn backtrace with raised when raised == exn -> ())

let failed exn backtrace =
  restore_backtrace exn backtrace;
  Lwt.fail exn

(* The second time, after an exception has left the first: the promise may be settled, and the exception that of a callback. *)
let fulfil (promise, resolver) value = if Lwt.is_sleeping promise then Lwt.wakeup resolver value

let reject_resolver resolver exn backtrace =
  restore_backtrace exn backtrace;
  Lwt.wakeup_exn resolver exn

let reject (promise, resolver) exn backtrace = if Lwt.is_sleeping promise then reject_resolver resolver exn backtrace

(* A promise may have been rejected with an exception that nobody raised, or long ago: then the backtrace is another's. *)
let describe exn =
  let backtrace =
    if Printexc.backtrace_status () && was_raised_last exn then Some (Printexc.get_raw_backtrace ()) else None
  in
  (Printexc.to_string exn, backtrace)

let predefined which message =
  match which with
  | 0 -> Not_found
  | 1 -> Failure message
  | 2 -> Invalid_argument message
  | 3 -> Out_of_memory
  | 4 -> Stack_overflow
  | 5 -> End_of_file
  | 6 -> Division_by_zero
  | 7 -> Sys_blocked_io
  | _ -> Sys_error message

(* rust_to_lwt *)

let pending key cancelable =
  Storage.look ();
  let pending = Lwt.task () in
  if cancelable then Lwt.on_cancel (fst pending) (fun () -> cancel key);
  pending

let on_pause () = tick true
let arm () = Lwt.on_success (Lwt.pause ()) on_pause

(* lwt_to_rust. Rust must not keep an awaited promise alive, or it could not be collected when nobody can resolve it any
   more; so Rust holds the index of a weak table, and the callbacks hold the subscription. *)

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

(* Streams, rust_to_lwt.

   1. The function of the [Lwt_stream.t] holds the reader. Rust holds it while a read is open, and not otherwise: a stream that
      nobody reads is collected.
   2. Rust puts items and endings into a reader that has none left, in one go, and calls [deliver] if a read is open.
   3. A signal handler, a finaliser or Memprof may raise wherever something is allocated. So what is read is noted when the
      promise that has it is made or settled, with nothing in between; and what Rust calls may be called again, at any time. *)

(* Nobody waits for the read that it rejects. *)
exception Nobody_waits

(* What a read was settled with was read. *)
let look_at_read reader =
  match reader.begun with
  | None -> ()
  | Some { promise; _ } -> (
      match Lwt.state promise with
      | Lwt.Sleep -> ()
      | Lwt.Return (Some _) ->
          reader.begun <- None;
          reader.taken <- reader.taken + 1
      | Lwt.Fail Nobody_waits -> reader.begun <- None
      | Lwt.Return None | Lwt.Fail _ ->
          reader.begun <- None;
          reader.ending <- End)

(* Settles the open read with what there is, if there is something. *)
let deliver reader =
  (match reader.begun with
  | Some { promise; resolver } when Lwt.is_sleeping promise -> (
      if reader.taken < Obj.size reader.items then Lwt.wakeup resolver (Some (Obj.field reader.items reader.taken))
      else
        match reader.ending with
        | Not_yet -> ()
        | End -> Lwt.wakeup resolver None
        | Failed (exn, backtrace) -> reject_resolver resolver exn backtrace)
  | _ -> ());
  look_at_read reader

let no_items = Obj.repr [||]

(* What [Lwt_stream.from] asks for the next item. *)
let rec next reader =
  if reader.begun != None then behind_read reader
  else if reader.taken < Obj.size reader.items then begin
    let item = Lwt.return_some (Obj.field reader.items reader.taken) in
    reader.taken <- reader.taken + 1;
    item
  end
  else
    match reader.ending with
    | End -> Lwt.return_none
    | Failed (exn, backtrace) ->
        let failed = failed exn backtrace in
        reader.ending <- End;
        failed
    | Not_yet -> (
        match pull reader with
        | Something -> next reader
        | Nothing -> begin_read reader
        | Elsewhere ->
            Lwt.fail
              (Misuse
                 "a stream of Rust's was read on a thread that does not run Lwt, so the next item could not wake it: read it \
                  there, or with Lwt_preemptive.run_in_main"))

and begin_read reader =
  let promise, resolver = Lwt.wait () in
  let read = Some { promise; resolver } in
  (* Code that came between may have begun one. *)
  if reader.begun == None && open_read reader then begin
    reader.items <- no_items;
    reader.taken <- 0;
    reader.begun <- read;
    promise
  end
  else next reader

(* [Lwt_stream] asks while a read is begun when it never got its promise, since something was raised on the way; or when the
   stream is read in the middle of a pull, by what Rust calls there. *)
and behind_read reader =
  deliver reader;
  match reader.begun with
  | None -> next reader
  | Some { promise; _ } when not (Waited.promise promise) -> promise
  | Some { promise; _ } ->
      let again _ = next reader in
      Lwt.try_bind (fun () -> promise) again again

let close_unless_waited reader =
  (match reader with
  | { begun = Some { promise; resolver }; read_by = Some stream; _ } ->
      if Lwt.is_sleeping promise && not (Waited.by_anybody stream) then Lwt.wakeup_exn resolver Nobody_waits
  | _ -> ());
  look_at_read reader;
  reader.begun = None

let watches_cycles = ref false

let watch_cycles () =
  if not !watches_cycles then begin
    ignore (Gc.create_alarm major_cycle_ended : Gc.alarm);
    watches_cycles := true
  end

let stream stream_token =
  watch_cycles ();
  Waited.prepare ();
  let reader = { stream_token; items = no_items; taken = 0; ending = Not_yet; begun = None; read_by = None } in
  let stream = Lwt_stream.from (fun () -> next reader) in
  reader.read_by <- Some stream;
  stream

(* Streams, lwt_to_rust.

   1. A read that was begun is never given up while the stream goes on: its item or its exception would be lost.
   2. What came is in the source, whatever is raised meanwhile: Rust calls again. *)

let more = Obj.repr 0
let no_more = Obj.repr 1

let ended source behind =
  source.behind <- behind;
  source.is_begun <- false

let begin_get source =
  match Lwt_stream.get source.whose with
  | get ->
      source.get <- get;
      source.is_begun <- true
  | exception exn -> ended source (Obj.repr exn)

(* Takes what is there. *)
let rec take source =
  if source.count < source.window && source.behind == more then begin
    if not source.is_begun then begin_get source;
    if source.is_begun then
      match Lwt.state source.get with
      | Lwt.Return (Some item) ->
          let got = item :: source.got in
          source.got <- got;
          source.count <- source.count + 1;
          source.is_begun <- false;
          take source
      | Lwt.Return None -> ended source no_more
      | Lwt.Fail exn -> ended source (Obj.repr exn)
      | Lwt.Sleep -> ()
  end

let collect source =
  if source.ready == [] then begin
    take source;
    let ready = List.rev source.got in
    source.ready <- ready;
    source.got <- [];
    source.count <- 0
  end

(* Resolved with the source, which Rust does not keep meanwhile, when there is something to [collect]. *)
let read source window =
  source.window <- window;
  collect source;
  let source_again = Lwt.return source in
  if source.ready == [] && source.behind == more then
    let collect_now _ = source_again in
    Lwt.try_bind (fun () -> source.get) collect_now collect_now
  else source_again

(* At the end of the bridge: each wait ends with an error, and what a future would have cancelled is cancelled. *)
let break_all () =
  let all = !subscriptions in
  for index = 0 to Weak.length all - 1 do
    match Weak.get all index with
    | None -> ()
    | Some { promise; token; _ } ->
        broken token;
        if Bytes.get !cancels index = 'y' then Lwt.cancel promise
  done

(* Guests. Rust queues the calls, and the threads run them here, so that no frame of Rust's is on the stack of a function that
   leaves its thread. *)

(* A call is a block: the function, and its arguments. *)
let apply call =
  let applied = ref (Obj.field call 0) in
  for i = 1 to Obj.size call - 1 do
    applied := (Obj.obj !applied : Obj.t -> Obj.t) (Obj.field call i)
  done;
  !applied

(* [Thread.exit] from OCaml 4.14 on; before, it ends the thread, of which Rust hears by its end. *)
let is_thread_exit exn = Printexc.exn_slot_name exn = "Thread.Exit"

(* What a finaliser raises on the way is the call's, or, between two calls, nobody's; signal handlers do not run here. *)
let rec serve id =
  match
    let call = guest_next id in
    if Obj.is_int call then None
    else begin
      guest_begins ();
      let value = apply call in
      guest_ended ();
      Some value
    end
  with
  | None -> ()
  | Some value ->
      guest_returned value;
      serve id
  | exception exn ->
      guest_ended ();
      if is_thread_exit exn then guest_exited ()
      else guest_raised exn (try describe exn with _ -> (Printexc.exn_slot_name exn, None));
      serve id

let guest id = match Thread.create serve id with _ -> "" | exception Sys_error message -> message

(* The loop. *)

let callbacks =
  {
    resolved = Lwt.return;
    failed;
    pending;
    fulfil;
    reject;
    arm;
    state = Lwt.state;
    subscribe;
    release;
    cancel = Lwt.cancel;
    describe;
    async = (fun exn -> !Lwt.async_exception_hook exn);
    rust_error = (fun message causes -> Rust_error { message; causes });
    rust_panic = (fun message location -> Rust_panic { message; location });
    broken_promise = (fun () -> Broken_promise);
    misuse = (fun message -> Misuse message);
    predefined;
    canceled = (fun () -> Lwt.Canceled);
    stream;
    deliver;
    close_unless_waited;
    read;
    collect;
    break_all;
    guest;
    bound = Storage.current;
    under = Storage.under;
    cell = Storage.cell;
    nothing = Storage.nothing;
    is_shown = Storage.is_shown;
  }

let misuse format = Printf.ksprintf (fun message -> raise (Misuse message)) format
let this_thread () = Thread.id (Thread.self ())

(* The thread that Lwt's loop was last seen to run on, before the executor started. *)
let lwt_thread = ref None
let descriptor_event = ref Lwt_engine.fake_event
let started = ref false

(* The wake descriptor, from when Rust has its half of the executor. *)
let wake_descriptor = ref (-1)

(* Whether the engine has it. *)
let registered = ref false

(* [at_exit]'s hooks run: a first call now comes from one of Lwt's. *)
let exiting = ref false

(* The descriptor stays readable until the tick that it asks for is certain. An exception would cross the engine's C code. *)
let on_readable (_ : Lwt_engine.event) =
  match if must_arm (Lwt.paused_count () = 0) then arm () with () -> armed () | exception exn -> Escaped.keep exn

let shutdown ?(timeout = 1.0) () =
  if !started then
    if is_lwt_thread () then shutdown_executor timeout
    else
      misuse
        "Rust_async.shutdown was called on thread %d, but the promises that it rejects are those of another one: call it \
         where Lwt runs"
        (this_thread ())

(* The program's own hooks may still call Rust and await it: those of [at_exit], which were registered after the one
   below and run before it, and those of [Lwt_main.at_exit], behind which this goes. *)
let shutdown_behind_exit_hooks () =
  let hook () =
    if is_lwt_thread () then shutdown ();
    Lwt.return_unit
  in
  ignore (Lwt_main.Exit_hooks.add_last hook : Lwt_main.Exit_hooks.hook)

(* The beginning. *)

(* Lwt hears of its children by a handler of [SIGCHLD], which it installs in the first turn of its loop, in place of any that
   is there; Tokio by one that calls what it finds there. So Lwt's comes first: what waits for a child of Lwt's installs it
   (lwt_unix.ml, 5.6 to 6.1), and this process is no child of its own. *)
let hear_of_children () =
  try ignore (Lwt_unix.waitpid [ WNOHANG ] (Unix.getpid ()) : (int * Unix.process_status) Lwt.t)
  with Unix.Unix_error (ECHILD, _, _) -> ()

(* Rust calls it again when something was raised on the way, and so does the next turn. A signal handler may have called Rust
   meanwhile, and done all of it. *)
let start () =
  if !wake_descriptor < 0 then wake_descriptor := start_executor callbacks;
  if not !started then begin
    if not !registered then begin
      let descriptor : Unix.file_descr = Obj.magic (!wake_descriptor : int) in
      descriptor_event := Lwt_engine.on_readable descriptor on_readable;
      registered := true
    end;
    hear_of_children ();
    if !exiting then shutdown_behind_exit_hooks ();
    started := true
  end

(* What was resolved in a hook may be what [Lwt_main.run] waits for, so the loop must not block in its engine now. *)
let not_block () = if Lwt.paused_count () = 0 then ignore (Lwt.pause () : unit Lwt.t)

let after_fork () =
  (* Stopped once: what its first stop raises it raises again. *)
  let event = !descriptor_event in
  descriptor_event := Lwt_engine.fake_event;
  (try Lwt_engine.stop_event event with exn -> Escaped.keep exn);
  disown ();
  wake_descriptor := -1;
  registered := false;
  started := false;
  not_block ()

(* An exception that leaves [Lwt.wakeup] leaves Lwt as if it were still in there: callbacks that Lwt defers ([Lwt.wakeup_later])
   wait for the end of it for ever. [Lwt.abandon_wakeups] ends one level, and does nothing where there is none. *)

let is_deferring () =
  let promise, resolver = Lwt.wait () in
  let deferred = ref true in
  Lwt.on_success promise (fun () -> deferred := false);
  Lwt.wakeup_later resolver ();
  !deferred

let rec leave_all_wakeups () =
  if is_deferring () then begin
    (* What was deferred runs now. *)
    (try Lwt.abandon_wakeups () with exn -> Escaped.keep exn);
    leave_all_wakeups ()
  end

(* An exception has left a turn, perhaps in the midst of Lwt's own code. What can be made good is. *)
let mend () =
  leave_all_wakeups ();
  lost_pause ();
  resume_subscriptions ()

(* Where [Lwt_main.run] lets what a hook raises pass. *)
let raise_escaped () =
  mend ();
  leave_turn ();
  Escaped.raise_first ()

let tick_in_hook () =
  if Lwt.paused_count () = 0 then lost_pause ();
  tick false;
  if Escaped.any () then raise_escaped ();
  not_block ()

let wrong_thread () =
  (* [exit] on another thread runs the hooks there. *)
  if not !exiting then
    misuse
      "Lwt_main.run was called on thread %d, but Rust functions were called before on another one, which is the thread \
       whose promises they are: run Lwt on the thread that calls them first"
      (this_thread ())

(* What [enter_turn] has found; the bits are those of exports.rs. *)
let attend found =
  let is bit = found land bit <> 0 in
  if is 32 then wrong_thread ()
  else if is 16 then after_fork ()
  else begin
    if is 8 then mend ();
    if is 4 then raise_escaped ();
    if is 1 then tick_in_hook ();
    if is 2 then Thread.yield ()
  end

(* [exit] on a thread that does not run Lwt has Lwt's hooks run a loop there, while the loop of Lwt's thread may wait in its
   engine. Two threads in one engine are libev's abort, or two reads of one notification, of which the second blocks with
   OCaml's lock (seen with Lwt 5.6 alone). So Lwt's thread is woken, and stops between two turns, until the process is gone. *)

(* Whether Lwt's thread is in its engine, or in what that calls. *)
let in_turn = ref false

(* The thread that exits. *)
let exits = ref (-1)

let stopped = ref false

let stop_for_exit () =
  if !exits <> this_thread () then begin
    stopped := true;
    while true do
      try Thread.delay 60. with _ -> ()
    done
  end

(* A callback that blocks may keep Lwt's thread in its turn: then nobody is in the engine. *)
let stop_lwt_thread () =
  if !in_turn && not (is_lwt_thread ()) then begin
    Lwt_unix.send_notification (Lwt_unix.make_notification ~once:true ignore);
    let deadline = Unix.gettimeofday () +. 1. in
    while (not !stopped) && Unix.gettimeofday () < deadline do
      Thread.delay 0.001
    done;
    (* A wake would find the wrong thread. *)
    Lwt_engine.stop_event !descriptor_event
  end

(* The beginning of a turn: a task that a stub has queued costs no turn of its own; and a thread that runs an
   OCaml function, and waits for the runtime lock, would get it from a loop that never sleeps only after 50 ms. *)
let on_turn () =
  if !exiting then stop_for_exit ();
  in_turn := true;
  if not !started then begin
    lwt_thread := Some (this_thread ());
    if !wake_descriptor >= 0 && is_lwt_thread () then start ()
  end
  else
    let found = enter_turn () in
    if found <> 0 then attend found

(* The end of a turn, before [Lwt_main.run] looks whether its promise is settled. *)
let on_end_of_turn () =
  in_turn := false;
  if !exiting then stop_for_exit ();
  if !started then begin
    leave_turn ();
    if Escaped.any () then raise_escaped ()
  end

(* The end. *)

(* In a worker domain's job: the process ends, and the rest is Lwt's thread's. *)
let exit () =
  if Domains.is_main () then begin
    exits := this_thread ();
    exiting := true;
    if !started then stop_lwt_thread ();
    (* [exit] may have been called by any callback, which Lwt's own hooks wait for: Lwt itself ends one level of them. *)
    leave_all_wakeups ();
    Escaped.drop_all ();
    if !started then shutdown_behind_exit_hooks ()
  end

(* Where what was called on this thread should have been called. *)
let or_else what =
  if Domains.is_main () then ", or with Lwt_preemptive.run_in_main"
  else if String.length what > 23 && String.sub what 0 23 = "Rust_async.Domain_pool." then ""
  else ", or in a job of a Rust_async.Domain_pool"

(* Called by Rust for a call that it cannot go on with; see start.rs for the numbers. *)
let start_or_refuse reason what =
  match reason with
  | 0 ->
      let here = this_thread () in
      (match !lwt_thread with
      | None when here = 0 -> start ()
      | Some thread when here = thread -> start ()
      | None ->
          misuse
            "%s was called on thread %d, which is not the main one, before Lwt's loop has begun a turn there, so nobody knows \
             yet that its promise could be resolved: call it in Lwt_main.run, when something that sleeps there has ended \
             (Lwt_unix.sleep 0.), or on the main thread%s"
            what here (or_else what)
      | Some _ ->
          misuse
            "%s was called on thread %d, which does not run Lwt, so its promise could not be resolved: call it on the \
             thread that runs Lwt%s"
            what here (or_else what))
  | 1 ->
      misuse
        "%s was called on thread %d, but Lwt runs on another one, and only that may touch its promises: call it \
         there%s"
        what (this_thread ()) (or_else what)
  | 2 ->
      misuse
        "%s was called in the child of a fork, where Rust's threads do not exist: call Rust functions after \
         Unix.execv, or fork before the first call"
        what
  | _ ->
      misuse
        "%s was called after Rust_async.shutdown, which happens at exit too: Rust runs nothing any more, so call it \
         earlier"
        what

let configure ?worker_threads ?thread_name ?max_blocking_threads ?thread_stack_size ?thread_keep_alive () =
  if not (configure_tokio worker_threads thread_name max_blocking_threads thread_stack_size thread_keep_alive) then
    misuse
      "Rust_async.configure was called after Tokio's runtime had started, which cannot be changed: call it before the \
       first Rust function"

(* Worker domains. *)

module Domain_pool = struct
  type t = pool

  (* What comes between two turns is a finaliser's exception, a signal handler's, or the memory's end. More of them may come
     at any point behind it, where no handler is: Rust calls this again until it returns. *)
  let turns () =
    try
      while pool_turn () do
        ()
      done
    with exn ->
      (try Printf.eprintf "Rust_async.Domain_pool: a worker domain goes on after %s\n%!" (Printexc.to_string exn)
       with _ -> ());
      raise exn

  let worker number index () =
    pool_start number index;
    pool_serve turns

  (* A domain begins with the signals of this thread, and blocks them a moment later. *)
  let without_signals f =
    let all = Sys.[ sighup; sigint; sigquit; sigterm; sigalrm; sigvtalrm; sigprof; sigusr1; sigusr2; sigchld; sigcont; sigpipe ] in
    let before = Thread.sigmask Unix.SIG_BLOCK all in
    Fun.protect f ~finally:(fun () -> ignore (Thread.sigmask Unix.SIG_SETMASK before : int list))

  let shutdown ?(cancel = false) pool =
    let left = pool_close pool.number cancel in
    match (pool.ended, Lwt.state left) with
    | Some ended, _ -> ended
    | None, Lwt.Fail _ -> left
    | None, _ ->
        let join () =
          let raised = List.filter_map Domains.join (Array.to_list pool.domains) in
          pool_forget pool.number;
          match raised with [] -> () | exn :: _ -> raise exn
        in
        let ended = Lwt.no_cancel (Lwt.map join left) in
        pool.ended <- Some ended;
        ended

  let create ~domains =
    if not Domains.available then
      failwith
        "Rust_async.Domain_pool.create needs OCaml 5: on OCaml 4 one domain runs all OCaml code, so nothing would run in \
         parallel; use Lwt_preemptive.detach for what blocks";
    if domains < 1 || domains > Domains.most then
      invalid_arg (Printf.sprintf "Rust_async.Domain_pool.create: %d domains, not 1 to %d" domains Domains.most);
    let number = pool_create domains in
    let rec spawn spawned index =
      if index = domains then { number; domains = Array.of_list (List.rev spawned); ended = None }
      else
        match without_signals (fun () -> Domains.spawn (worker number index)) with
        | domain -> spawn (domain :: spawned) (index + 1)
        | exception exn ->
            for missing = index to domains - 1 do
              pool_gone number missing
            done;
            let some = { number; domains = Array.of_list (List.rev spawned); ended = None } in
            Lwt.dont_wait (fun () -> shutdown some) ignore;
            raise exn
    in
    spawn [] 0

  let detach pool f x = pool_detach pool (fun () -> f x)

  let await promise =
    match Lwt.state promise with
    | Lwt.Return value -> value
    | Lwt.Fail exn -> raise exn
    | Lwt.Sleep ->
        misuse
          "Rust_async.Domain_pool.await was called with a pending promise, which Lwt's loop would have to resolve: bind it \
           where Lwt runs; on a worker domain, await promises of Rust functions that are called there"
end

type stats = { tasks : int; subscriptions : int; roots : int }

let stats () =
  let tasks, subscriptions, roots = stats_of_executor () in
  { tasks; subscriptions; roots }

let () =
  flush_at_exit ();
  Callback.register "ocaml_lwt_interop.start" start_or_refuse;
  ignore (Lwt_main.Enter_iter_hooks.add_last on_turn : Lwt_main.Enter_iter_hooks.hook);
  ignore (Lwt_main.Leave_iter_hooks.add_last on_end_of_turn : Lwt_main.Leave_iter_hooks.hook);
  at_exit exit
