(* 1. The function of the [Lwt_stream.t] holds the reader. Rust holds it only while a read is open. So a stream that nobody reads
      is collected.
   2. When a reader has no items left, Rust puts items and endings into it, all at once, and calls [deliver] if a read is open.
   3. A signal handler, a finaliser or Memprof may raise wherever something is allocated. So an item is noted as read when its
      promise is made or settled, with nothing in between. And the functions that Rust calls may be called again, at any time. *)

type token

(* What a pull gave; the order is that of exports/streams.rs. *)
type pulled = Nothing | Something | Other_thread [@@warning "-37"]

(* What comes after the items of a Rust stream; the order is that of reader.rs. *)
type ending = Not_yet | End | Failed of exn * Errors.backtrace [@@warning "-37"]

(* A read of a Rust stream that was begun: what [Lwt_stream] was given. *)
type read = { promise : Obj.t option Lwt.t; resolver : Obj.t option Lwt.u }

(* A Rust stream as OCaml reads it. Rust knows the first four fields, see reader.rs. *)
type t = {
  token : token;
  mutable items : Obj.t;
  mutable taken : int;  (* how many of the items were read *)
  mutable ending : ending;
  mutable begun : read option;  (* open, or settled and not looked at since *)
  mutable read_by : Obj.t Lwt_stream.t option;
}

external pull : t -> pulled = "ocaml_lwt_interop_pull"
external open_read : t -> bool = "ocaml_lwt_interop_open_read" [@@noalloc]
external close_stream : t -> bool = "ocaml_lwt_interop_close_stream"
external is_lwt_thread : unit -> bool = "ocaml_lwt_interop_is_lwt_thread" [@@noalloc]
external major_cycle_ended : unit -> unit = "ocaml_lwt_interop_major_cycle_ended" [@@noalloc]

(* Rust may poll in it. *)
let pull reader =
  Storage.refresh ();
  pull reader

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
        | Failed (exn, backtrace) -> Rust_to_lwt.reject_resolver resolver exn backtrace)
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
        let failed = Rust_to_lwt.failed exn backtrace in
        reader.ending <- End;
        failed
    | Not_yet -> (
        match pull reader with
        | Something -> next reader
        | Nothing -> begin_read reader
        | Other_thread ->
            Lwt.fail
              (Errors.misuse
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

(* The function of a stream that is asked for its reader, and the answer. *)
let nobody = Obj.repr 0
let asked = ref nobody
let answer = ref nobody

(* What [Lwt_stream.from] is given. A stream has nothing else by which its reader could be found: a table of readers, of weak
   pointers, has OCaml 5 collect them late. *)
let of_reader reader =
  let rec next_or_answer () =
    if !asked == Obj.repr next_or_answer then begin
      asked := nobody;
      answer := Obj.repr (reader : t);
      Lwt.return_none
    end
    else next reader
  in
  next_or_answer

(* All functions that are made there have one code, to which the first word of a closure points. *)
let code f = Obj.raw_field f 0
let code_of_reader = code (Obj.repr (of_reader (Obj.magic nobody : t)))

(* The function of a stream of Rust's, or of what it is a clone of. *)
let function_of stream =
  match Waited.function_of stream with
  | Some f when code f = code_of_reader -> Some f
  | _ -> None

(* Its reader. Only on the thread that runs Lwt, since others could ask meanwhile. A signal handler there may ask as well, or raise,
   before the answer is taken: then this asks again, or gives up. *)
let rec reader_of f =
  let ask : unit -> Obj.t option Lwt.t = Obj.obj f in
  asked := f;
  (match ask () with
  | (_ : Obj.t option Lwt.t) -> ()
  | exception exn ->
      asked := nobody;
      raise exn);
  let said = !answer in
  answer := nobody;
  if said == nobody then reader_of f else (Obj.obj said : t)

let close stream =
  if not (Waited.is_known ()) then
    Errors.refuse "Rust_async.Stream.close does not know where this version of Lwt keeps a stream's function: drop the stream instead";
  let refuse () =
    Errors.refuse
      "Rust_async.Stream.close was called on a thread that does not run Lwt, whose promises it settles: call it there, or \
       with Lwt_preemptive.run_in_main"
  in
  match function_of stream with
  | None -> invalid_arg "Rust_async.Stream.close: this stream is not one of Rust's, but one that OCaml has made"
  | Some _ when not (is_lwt_thread ()) -> refuse ()
  | Some f ->
      let reader = reader_of f in
      Storage.refresh ();
      if not (close_stream reader) then refuse ();
      reader.items <- no_items;
      reader.taken <- 0;
      reader.ending <- End;
      deliver reader

let stream token =
  watch_cycles ();
  Waited.prepare ();
  let reader = { token; items = no_items; taken = 0; ending = Not_yet; begun = None; read_by = None } in
  let stream = Lwt_stream.from (of_reader reader) in
  reader.read_by <- Some stream;
  stream
