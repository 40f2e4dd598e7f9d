(* Performs OCaml's nodes of a plan, and watches. *)

open Lwt.Syntax
open Rust_half

include Noted

let key : int Lwt.key = Lwt.new_key ()
let started = ref 0
let ended = ref 0
let workers : Rust_async.Domain_pool.t option ref = ref None

(* Arrays that come back when Rust has let go. *)
let lent : Lwt_bytes.t list ref = ref []

(* Promises that nobody resolves are kept, or the collector would end them for Rust. *)
let waiting : value Lwt.u list ref = ref []

let forget () =
  waiting := [];
  problems := [];
  Atomic.set raised [];
  lent := []

let collect = function Minor -> Gc.minor () | Major -> Gc.full_major () | Compact -> Gc.compact ()

let rec pauses n =
  if n = 0 then Lwt.return_unit
  else
    let* () = Lwt.pause () in
    pauses (n - 1)

let seconds n = 0.0001 *. float n
let nothing promise = Lwt.map (fun () -> Nothing) promise

let with_thing node f =
  let thing = Thing.make () in
  let promise = f thing in
  (* A call that runs keeps it. *)
  if Hashtbl.hash node land 1 = 0 then Thing.close thing;
  promise

let[@inline never] raise_first () = if Sys.opaque_identity true then raise (planned 1)
let[@inline never] raise_behind () = if Sys.opaque_identity true then raise (planned 2)

(* What needs neither Lwt nor Rust, on whatever thread. [perform] performs the parts. *)
let without_lwt perform node =
  match node with
  | Return value -> value
  | Raise n -> raise (planned n)
  | Bind nodes -> Array.fold_left (fun _ node -> perform node) Nothing nodes
  | Catch nodes -> (
      try perform nodes.(0)
      with exn ->
        ignore (error_of exn);
        perform nodes.(1))
  | Collect how ->
      collect how;
      Nothing
  | _ -> failwith "the rules do not allow it"

let rec perform node : value Lwt.t =
  match Table.row_of node with
  | None -> performed node
  | Some row -> (
      match performed node with
      | promise ->
          Lwt.on_any promise (fun _ -> Table.met row "value") (fun exn -> Table.met row (column exn));
          promise
      | exception exn ->
          Table.met row (column exn);
          raise exn)

and column exn = match error_of exn with Some error -> Model.column error | None -> "other"

and performed node =
  match node with
  | Return value -> Lwt.return value
  | Raise n -> raise (planned n)
  | WaitForEver ->
      let promise, resolver = Lwt.task () in
      waiting := resolver :: !waiting;
      promise
  | Pause n -> nothing (pauses n)
  | Sleep n -> nothing (Lwt_unix.sleep (seconds n))
  | Bind nodes -> Array.fold_left (fun before node -> Lwt.bind before (fun _ -> perform node)) (Lwt.return Nothing) nodes
  | Catch nodes ->
      Lwt.catch
        (fun () -> perform nodes.(0))
        (fun exn ->
          ignore (error_of exn);
          to_its_end nodes.(1))
  | WithValue (n, nodes) ->
      let before = Lwt.get key in
      Lwt.bind
        (Lwt.with_value key (Some n) (fun () -> guarded (Model.only nodes)))
        (fun value ->
          if Lwt.get key <> before then problem "behind a call that was made with key %d another key is bound" n;
          Lwt.return value)
  | Collect how ->
      collect how;
      Lwt.return Nothing
  | CancelAfter (n, nodes) ->
      let promise = guarded (Model.only nodes) in
      Lwt.async (fun () -> Lwt.map (fun () -> Lwt.cancel promise) (pauses n));
      promise
  | Pick nodes -> Lwt.pick (List.map guarded (Array.to_list nodes))
  | Both nodes -> nothing (Lwt.join (List.map (fun node -> Lwt.map ignore (guarded node)) (Array.to_list nodes)))
  | Protected nodes -> Lwt.protected (to_its_end (Model.only nodes))
  | NoCancel nodes -> Lwt.no_cancel (to_its_end (Model.only nodes))
  | WithTimeout (n, nodes) -> Lwt_unix.with_timeout (seconds n) (fun () -> guarded (Model.only nodes))
  | CallRust (kind, nodes) -> call kind (Model.only nodes)
  | ReadRust items ->
      let* stream = rust_stream items (env ()) in
      read items stream
  | Job nodes -> (
      let node = Model.only nodes in
      match !workers with
      | Some workers -> Rust_async.Domain_pool.detach workers in_a_job node
      | None -> (* OCaml 4 *) Lwt.protected (guarded node))
  | Fair source ->
      let flag = Flag.make () in
      let set () = try Flag.set flag with Rust_async.Misuse _ -> (* after a shutdown *) () in
      Lwt.async (fun () -> Lwt.map set (Lwt_unix.sleep 0.0005));
      nothing (fair source flag)
  | Backtrace turns -> backtrace turns
  | Owned n ->
      let* array = owned n in
      let right = ref (Bigarray.Array1.dim array = n) in
      for i = 0 to Bigarray.Array1.dim array - 1 do
        if Char.code array.{i} <> i land 255 then right := false
      done;
      if not !right then problem "an array of Rust's is not what it was";
      Lwt.return Nothing

(* Whatever raises before it gives a promise. *)
and guarded node = try perform node with exn -> Lwt.fail exn

(* It ends, and may do so when the program has ended that it is in: a cancellation does not stop it. *)
and to_its_end node =
  incr started;
  let promise = guarded node in
  Lwt.on_termination promise (fun () -> incr ended);
  promise

(* Two exceptions: the first comes back, and another was raised since. *)
and backtrace turns =
  let first = ref true in
  let raises _ =
    if !first then begin
      first := false;
      raise_first ()
    end
    else raise_behind ();
    Nothing
  in
  let env = { (env ()) with now = raises } in
  let called = Ocaml (Call, [| Return Nothing |]) in
  let plan = Then [| Yields turns; Finally [| called; called |] |] in
  let plan = if turns = 0 then Finally [| called; called |] else plan in
  Printexc.record_backtrace true;
  Lwt.try_bind
    (fun () -> at_home plan env)
    (fun _ -> Lwt.return (problem "an exception is lost"; Nothing))
    (function
      | Planned _ ->
          let backtrace = Printexc.get_backtrace () in
          if not (contains ~part:"raise_first" backtrace && not (contains ~part:"raise_behind" backtrace)) then
            problem "an exception has come with the backtrace of another";
          Lwt.return Nothing
      | exn -> Lwt.fail exn)

and fair source flag =
  match source with
  | Polls -> Flag.polls flag
  | Channel -> Flag.channel flag
  | RustStream -> Lwt_stream.iter ignore (Flag.stream flag)
  | LwtStream -> Flag.reads flag (Lwt_stream.from (fun () -> Lwt.return (Some 0)))

and call kind node =
  let env = env () in
  match kind with
  | Func -> at_home node env
  | Detached -> detached node env
  | Tokio -> on_tokio node env
  | Blocking -> blocking node env
  | Sync -> Lwt.return (at_once node env)
  | Method -> with_thing node (fun thing -> Thing.at_home thing node env)
  | MethodTokio -> with_thing node (fun thing -> Thing.on_tokio thing node env)
  | MethodBlocking -> with_thing node (fun thing -> Thing.blocking thing node env)
  | MethodSync -> with_thing node (fun thing -> Lwt.return (Thing.at_once thing node env))
  | Resolver place -> Lwt.bind (by_resolver place node env) Fun.id
  | SpawnLwt -> by_spawn_lwt node env
  | Lent place ->
      let array = Lwt_bytes.of_string "abcd" in
      let promise = with_lent array place node env in
      (* Rust may have let go of it elsewhere by now, and then whoever crosses gives it back. *)
      let may_be_back = place <> AtHome in
      if Lwt.is_sleeping promise && Lwt_bytes.length array <> 0 && not may_be_back then problem "OCaml sees an array that is lent";
      lent := array :: !lent;
      let back _ = if Lwt_bytes.to_string array <> "cdef" then problem "a lent array is %S" (Lwt_bytes.to_string array) in
      Lwt.try_bind
        (fun () -> promise)
        (fun value ->
          back value;
          Lwt.return value)
        (fun exn ->
          (match exn with
          | Lwt.Canceled | Rust_async.Rust_panic _ -> ()
          | Rust_async.Broken_promise -> ()
          | exn -> back exn);
          Lwt.fail exn)

(* The next item, by a read that was cancelled before, or by the first. *)
and next items stream =
  if not items.hesitates then Lwt_stream.get stream
  else
    let first = Lwt_stream.get stream in
    let* () = Lwt.pause () in
    if Lwt.is_sleeping first then begin
      Lwt.cancel first;
      Lwt.catch (fun () -> first) (function Lwt.Canceled -> Lwt_stream.get stream | exn -> Lwt.fail exn)
    end
    else first

and read items stream =
  let limit = match items.ocaml_reader with ToTheEnd -> max_int | Closes n | LetsGo n -> n in
  let rec go read =
    if read >= limit then begin
      (match items.ocaml_reader with
      | Closes _ ->
          Rust_async.Stream.close stream;
          let* after = Lwt_stream.get stream in
          if after <> None then problem "a stream that was closed gives an item";
          Lwt.return_unit
      | _ -> Lwt.return_unit)
      |> Lwt.map (fun () -> Int read)
    end
    else
      let* item = next items stream in
      match item with
      | Some i when i = read && read < items.rust_items -> go (read + 1)
      | Some i ->
          problem "item %d of a Rust stream is %d" read i;
          Lwt.return Nothing
      | None ->
          if read <> items.rust_items then problem "a Rust stream of %d items ends after %d" items.rust_items read;
          Lwt.return (Int read)
  in
  go 0

(* Without waiting, at home. *)
and now node =
  match node with
  | WithValue (n, nodes) -> Lwt.with_value key (Some n) (fun () -> now (Model.only nodes))
  | CallRust (Sync, nodes) -> at_once (Model.only nodes) (env ())
  | CallRust (MethodSync, nodes) ->
      let thing = Thing.make () in
      let value = Thing.at_once thing (Model.only nodes) (env ()) in
      Thing.close thing;
      value
  | node -> without_lwt now node

(* On a thread or a domain that is not Lwt's, and may call neither. *)
and apart node = without_lwt apart node

and in_a_job node =
  let await = Rust_async.Domain_pool.await in
  match node with
  | CallRust (kind, nodes) ->
      let node = Model.only nodes and env = env_of_a_job in
      let thing = Thing.make () in
      await
        (match kind with
        | Func -> at_home node env
        | Tokio -> on_tokio node env
        | Blocking -> blocking node env
        | Method -> Thing.at_home thing node env
        | MethodTokio -> Thing.on_tokio thing node env
        | MethodBlocking -> Thing.blocking thing node env
        | _ -> failwith "the rules do not allow it")
  | node -> without_lwt in_a_job node

and env_of_a_job =
  {
    start = (fun node -> try Lwt.return (apart node) with exn -> Lwt.fail exn);
    promised = (fun _ -> failwith "the rules do not allow it");
    now = (fun node -> apart node);
    on_a_thread = (fun node -> apart node);
    on_a_worker = (fun node -> apart node);
    lwt_stream = (fun _ -> failwith "the rules do not allow it");
    workers = None;
    performs =
      {
        perform = (fun _ -> failwith "the rules do not allow it");
        perform_now = (fun _ -> failwith "the rules do not allow it");
        lwt_items = (fun _ -> failwith "the rules do not allow it");
        read_rust = (fun _ _ -> failwith "the rules do not allow it");
      };
  }

(* What Rust calls. Whatever is bound now is bound in each function that Rust calls for this call. *)
and env () =
  let expected = Lwt.get key in
  let check_key () =
    let bound = Lwt.get key in
    if bound <> expected then
      let shown = function None -> "nothing" | Some n -> string_of_int n in
      problem "the key is bound to %s, and was bound to %s at the call" (shown bound) (shown expected)
  in
  let counted node =
    check_key ();
    incr started;
    let end_ () = incr ended in
    match perform node with
    | promise ->
        Lwt.on_termination promise end_;
        promise
    | exception exn ->
        end_ ();
        raise exn
  in
  let at_once node =
    check_key ();
    now node
  in
  let items_of items =
    check_key ();
    lwt_items_of items
  in
  {
    start = counted;
    promised = counted;
    now = at_once;
    on_a_thread = apart;
    on_a_worker = apart;
    lwt_stream = items_of;
    workers = !workers;
    performs =
      {
        perform = counted;
        perform_now = at_once;
        lwt_items = (fun items -> Lwt.return (items_of items));
        read_rust =
          (fun items stream ->
            check_key ();
            read items stream);
      };
  }

and lwt_items_of { lwt_items; lwt_before; lwt_end; pushed; _ } =
  if pushed then begin
    let stream, push = Lwt_stream.create () in
    for i = 0 to lwt_items - 1 do
      push (Some i)
    done;
    push None;
    stream
  end
  else
    let next = ref 0 in
    Lwt_stream.from (fun () ->
        let i = !next in
        incr next;
        if i < lwt_items then Lwt.map (fun _ -> Some i) (perform (Model.only lwt_before))
        else Lwt.map (fun _ -> None) (perform (Model.only lwt_end)))
