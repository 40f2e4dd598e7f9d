(* A case from a seed. Each node is chosen among those that the rules allow in its place. *)

open Rust_half
open Rules

type t = { random : Random.State.t; mutable number : int; mutable budget : int }

let int t n = Random.State.int t.random n
let chance t percent = int t 100 < percent
let pick t choices = choices.(int t (Array.length choices))

(* Of its own for each leaf: endings say where they come from. *)
let number t =
  t.number <- t.number + 1;
  t.number

let text t =
  let length = pick t [| 0; 1; 7; 8; 40; 300; 3000 |] in
  String.init length (fun i -> Char.chr (32 + ((i * 7) mod 90)))

let bytes t = String.init (pick t [| 0; 5; 256; 2100 |]) (fun i -> Char.chr (i land 255))
let float t = pick t [| 0.; -1.5; 1e300; infinity; 0.1 |]

let rec value ?(depth = 2) t =
  match int t (if depth = 0 then 9 else 12) with
  | 0 -> Nothing
  | 1 | 2 | 3 -> Int (number t)
  | 4 -> Text (text t)
  | 5 -> Octets (bytes t)
  | 6 -> Float (float t)
  | 7 -> Wide (Int64.of_int (number t))
  | 8 -> Numbers (List.init (int t 40) Fun.id)
  | 9 -> Many (Array.init (pick t [| 0; 1; 3; 300 |]) (fun _ -> value ~depth:0 t))
  | 10 -> Maybe (pick t [| None; Some (Ok 3); Some (Error "no") |])
  | _ -> Record { whole = number t; floating = float t; floats = Array.make (int t 4) (float t); pair = (text t, chance t 50) }

let few t = 1 + int t 3
let turns t = pick t [| 0; 1; 1; 2; 3; 8 |]
let place t = pick t [| AtHome; OnTokio; OnAThread; InTheBlockingPool |]
let reader t items = match int t 4 with 0 -> Closes (int t (items + 1)) | 1 -> LetsGo (int t (items + 1)) | _ -> ToTheEnd
let items t = pick t [| 0; 1; 3; 20; 60 |]
let window t = pick t [| 1; 2; 16; 64 |]

(* Tries until the rules allow it. *)
let rec among t allowed choices leaf =
  match choices with
  | [] -> leaf ()
  | _ ->
      let i = int t (List.length choices) in
      let node = (List.nth choices i) () in
      if allowed node then node else among t allowed (List.filteri (fun j _ -> j <> i) choices) leaf

let rec rust t depth place_ fate =
  t.budget <- t.budget - 1;
  let leaf () =
    among t (Rules.rust place_ fate)
      [
        (fun () -> Give (value t)); (fun () -> Give (value t)); (fun () -> Fail (number t)); (fun () -> Panic (number t));
        (fun () -> Declared (number t)); (fun () -> Stall); (fun () -> Yields (turns t)); (fun () -> Timer (int t 15));
      ]
      (fun () -> Give (Int (number t)))
  in
  if depth = 0 || t.budget < 0 || chance t 15 then leaf ()
  else
    let sub = rust t (depth - 1) in
    let here () = sub place_ fate in
    let one node = [| node |] in
    let loser () = sub place_ (if chance t 60 && place_ = Loop then Doomed else Free) in
    let calls () =
      let way =
        pick t
          [| Function; ProtectedFunction; Promise; ProtectedPromise; CallAsync; Call; Closure; RunBlocking; OnABlockingThread; OnAWorkerDomain;
             Interface; InterfaceBlocks |]
      in
      let where, fate =
        match way with
        | Function | Interface -> (Loop, fate)
        | Promise | ProtectedFunction | ProtectedPromise -> (Loop, Free)
        | InterfaceBlocks -> (Now, Free)
        | CallAsync | Call | Closure | RunBlocking -> ((if place_ = Worker then Apart else Now), Free)
        | OnABlockingThread | OnAWorkerDomain -> (Apart, Free)
      in
      Ocaml (way, one (ocaml t (depth - 1) where fate))
    in
    among t (Rules.rust place_ fate)
      [
        (fun () -> Then (Array.init (few t) (fun _ -> here ())));
        (fun () -> Recover [| here (); here () |]);
        (fun () -> Finally [| here (); here () |]);
        (fun () ->
          let join = pick t [| Awaited; Joined; Aborted; LetGo |] in
          let place = place t in
          let fate =
            match (place, join) with
            | _, LetGo | InTheBlockingPool, _ | AtHome, Joined -> Free
            | _, Aborted -> if chance t 50 then Doomed else Free
            | _ -> fate
          in
          Task (place, join, one (sub (if place_ = Now then Loop else place_) fate)));
        (fun () -> Select (Array.init (few t) (fun i -> if i = 0 then here () else loser ())));
        (fun () -> Timeout (int t 15, one (loser ())));
        calls; calls; calls; calls;
        (fun () ->
          let lwt_items = items t and pushed = chance t 30 in
          let before = if pushed then Return Nothing else if chance t 50 then Return Nothing else ocaml t (min 1 (depth - 1)) Loop Free in
          ReadLwt
            {
              lwt_items; lwt_window = window t; lwt_before = one before; pushed; by_interface = chance t 30;
              lwt_end = one (if pushed then Return Nothing else ocaml t 1 Loop Free);
              rust_reader = reader t lwt_items;
            });
      ]
      leaf
[@@ocamlformat "disable"]

and ocaml t depth place fate =
  t.budget <- t.budget - 1;
  let allowed = Rules.ocaml place fate in
  let leaf () =
    among t allowed
      [
        (fun () -> Return (value t)); (fun () -> Return (value t)); (fun () -> Raise (number t)); (fun () -> WaitForEver);
        (fun () -> Pause (turns t)); (fun () -> Sleep (int t 15)); (fun () -> Collect (pick t [| Minor; Minor; Minor; Major; Compact |]));
        (fun () -> if chance t 10 then Fair (pick t [| Polls; Channel; RustStream; LwtStream |]) else Return Nothing);
        (fun () -> Owned (int t 5000)); (fun () -> Backtrace (int t 3));
      ]
      (fun () -> Return (Int (number t)))
  in
  if depth = 0 || t.budget < 0 || chance t 10 then leaf ()
  else
    let sub = ocaml t (depth - 1) in
    let here () = sub place fate in
    let one node = [| node |] in
    let loser () = sub place (if fate = Doomed || chance t 60 then Doomed else Free) in
    let call () =
      let kinds =
        match place with
        | Worker -> [| Func; Tokio; Blocking; Method; MethodTokio; MethodBlocking |]
        | Now -> [| Sync; MethodSync |]
        | _ ->
            [| Func; Func; Func; Detached; Tokio; Tokio; Blocking; Sync; Method; MethodTokio; MethodBlocking; MethodSync; SpawnLwt;
               Resolver AtHome; Resolver OnTokio; Resolver OnAThread; Resolver InTheBlockingPool;
               Lent AtHome; Lent OnTokio; Lent OnAThread; Lent InTheBlockingPool |]
      in
      let kind = pick t kinds in
      let fate =
        match kind with
        | Detached | Resolver _ | Lent InTheBlockingPool | Blocking | MethodBlocking | Sync | MethodSync -> Free
        | _ -> if place = Worker then Free else fate
      in
      let where = match kind with Sync | MethodSync -> Now | _ -> if place = Worker then Worker else Loop in
      CallRust (kind, one (rust t (depth - 1) where fate))
    in
    among t allowed
      [
        call; call; call; call; call; call;
        (fun () -> Bind (Array.init (few t) (fun _ -> here ())));
        (fun () -> Catch [| here (); here () |]);
        (fun () -> WithValue (number t, one (here ())));
        (fun () -> CancelAfter (turns t, one (loser ())));
        (fun () -> Pick (Array.init (few t) (fun i -> if i = 0 then here () else loser ())));
        (fun () -> Both (Array.init (few t) (fun _ -> here ())));
        (fun () -> Protected (one (sub place Free)));
        (fun () -> NoCancel (one (sub place Free)));
        (fun () -> WithTimeout (int t 15, one (loser ())));
        (fun () ->
          let rust_items = items t in
          let ocaml_reader = reader t rust_items in
          let partial = match ocaml_reader with ToTheEnd -> false | Closes n | LetsGo n -> n <= rust_items in
          let before = if chance t 50 then Give Nothing else rust t (min 1 (depth - 1)) Loop Free in
          ReadRust
            {
              rust_items; rust_window = window t; rust_before = one before; ocaml_reader;
              rust_end = one (rust t 1 Loop (if partial && chance t 50 then Doomed else Free));
              hesitates = fate = Free && chance t 30;
            });
        (fun () -> Job (one (sub Worker Free)));
      ]
      leaf
[@@ocamlformat "disable"]

let last t =
  let turns = pick t [| 0; 1; 3; 10; 40 |] in
  match int t 4 with 0 -> Exits turns | 1 -> Shuts_down turns | 2 -> Forks turns | _ -> Alarms (5 + turns)

let caller t = pick t [| FromMain; FromATask; FromAThread; FromBlockOn; FromTheBlockingPool; FromHome |]

(* A host, with its start and its end. *)
let hosted t one_thread (begins, ends) =
  let patience () = match int t 5 with 0 -> WaitsFor (int t 15) | 1 -> DropsAfter (turns t) | _ -> Waits in
  let call _ = { caller = caller t; patience = patience () } in
  { one_thread; begins; calls = Array.init (1 + int t 6) call; ends; after = pick t [| 0; 1; 3; 10; 40 |] }

(* Many of those run in one process. *)
let to_the_end t = hosted t (chance t 50) (Starts, AllEnd)

(* In turn, since each is a process: so a few hundred of them meet all. *)
let host seed t =
  let place = pick t [| InAPromise; InACallback; BelowRust; OnAnotherThread; WhereItBlocks |] in
  let starts = pick t [| Starts; Starts; Starts; TwoStart; StartIsDropped |] in
  let fails = pick t [| ModuleRaises; ModuleExits; ProvidesNothing |] in
  let all =
    [|
      (starts, ShutsDown (caller t)); (starts, ShutsDown (caller t)); (starts, ShutsDownInAHurry); (starts, OcamlShutsDown);
      (starts, OcamlExits place); (starts, OcamlExits place); (starts, LeavesTheLoop); (starts, RuntimeGoes); (starts, MainReturns);
      (starts, MainExits); (starts, MainPanics); (fails, AllEnd); (fails, AllEnd);
    |]
  in
  let n = Array.length all in
  Hosts (hosted t (seed / n mod 2 = 0) all.(seed mod n))
[@@ocamlformat "disable"]

let at seed = { random = Random.State.make [| seed; 0xF022 |]; number = 0; budget = 0 }

let case ?(last = fun _ -> Returns) seed =
  let t = at seed in
  let how_many = pick t [| 1; 1; 1; 2; 3; 6 |] in
  let last = last t in
  let program i =
    t.budget <- 40;
    let waits = match last with Hosts hosted -> (call_of hosted i).patience = Waits | _ -> true in
    ocaml t (2 + int t 5) Loop (if waits || chance t 50 then Free else Doomed)
  in
  { programs = List.init how_many program; last }
