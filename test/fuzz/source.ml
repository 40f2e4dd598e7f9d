(* A case as OCaml's compiler reads it: this is how a case is kept. Long values are made simpler. *)

open Rust_half
open Rules

let text = Printf.sprintf
let list f items = text "[ %s ]" (String.concat "; " (List.map f items))
let array f items = if items = [||] then "[||]" else text "[| %s |]" (String.concat "; " (List.map f (Array.to_list items)))
let float x = if x = infinity then "infinity" else text "(%h)" x
let int n = if n < 0 then text "(%d)" n else string_of_int n

(* Of a long one, which repeats itself, only the beginning and how long it is. *)
let string s =
  if String.length s <= 40 then text "%S" s
  else text "(String.init %d (fun i -> %S.[i mod 40]))" (String.length s) (String.sub s 0 40)

let rec value = function
  | Nothing -> "Nothing"
  | Late -> "Late"
  | Int n -> text "Int %s" (int n)
  | Text s -> text "Text %s" (string s)
  | Octets s -> text "Octets %s" (string s)
  | Float x -> text "Float %s" (float x)
  | Wide n -> text "Wide (%LdL)" n
  | Numbers numbers -> text "Numbers %s" (list int numbers)
  | Many values when Array.length values > 40 -> text "Many (Array.make %d Nothing)" (Array.length values)
  | Many values -> text "Many %s" (array value values)
  | Maybe None -> "Maybe None"
  | Maybe (Some (Ok n)) -> text "Maybe (Some (Ok %s))" (int n)
  | Maybe (Some (Error s)) -> text "Maybe (Some (Error %S))" s
  | Record { whole; floating; floats; pair = s, b } ->
      text "Record { whole = %s; floating = %s; floats = %s; pair = (%s, %b) }" (int whole) (float floating) (array float floats) (string s) b

let place = function AtHome -> "AtHome" | OnTokio -> "OnTokio" | OnAThread -> "OnAThread" | InTheBlockingPool -> "InTheBlockingPool"
let join = function Awaited -> "Awaited" | Joined -> "Joined" | Aborted -> "Aborted" | LetGo -> "LetGo"

let way = function
  | Function -> "Function"
  | ProtectedFunction -> "ProtectedFunction"
  | Promise -> "Promise"
  | ProtectedPromise -> "ProtectedPromise"
  | CallAsync -> "CallAsync"
  | Call -> "Call"
  | Closure -> "Closure"
  | RunBlocking -> "RunBlocking"
  | OnABlockingThread -> "OnABlockingThread"
  | OnAWorkerDomain -> "OnAWorkerDomain"
  | Interface -> "Interface"
  | InterfaceBlocks -> "InterfaceBlocks"

let kind = function
  | Func -> "Func"
  | Detached -> "Detached"
  | Tokio -> "Tokio"
  | Blocking -> "Blocking"
  | Sync -> "Sync"
  | Method -> "Method"
  | MethodTokio -> "MethodTokio"
  | MethodBlocking -> "MethodBlocking"
  | MethodSync -> "MethodSync"
  | Resolver p -> text "Resolver %s" (place p)
  | SpawnLwt -> "SpawnLwt"
  | Lent p -> text "Lent %s" (place p)

let reader = function ToTheEnd -> "ToTheEnd" | Closes n -> text "Closes %d" n | LetsGo n -> text "LetsGo %d" n

let rec rust = function
  | Give v -> text "Give (%s)" (value v)
  | Fail n -> text "Fail %d" n
  | Declared n -> text "Declared %d" n
  | Panic n -> text "Panic %d" n
  | Stall -> "Stall"
  | Yields n -> text "Yields %d" n
  | Timer n -> text "Timer %d" n
  | Then nodes -> text "Then %s" (array rust nodes)
  | Recover nodes -> text "Recover %s" (array rust nodes)
  | Task (p, j, nodes) -> text "Task (%s, %s, %s)" (place p) (join j) (array rust nodes)
  | Finally nodes -> text "Finally %s" (array rust nodes)
  | Select nodes -> text "Select %s" (array rust nodes)
  | Timeout (n, nodes) -> text "Timeout (%d, %s)" n (array rust nodes)
  | Ocaml (w, nodes) -> text "Ocaml (%s, %s)" (way w) (array ocaml nodes)
  | ReadLwt { lwt_items; lwt_window; lwt_before; lwt_end; rust_reader; pushed; by_interface } ->
      text "ReadLwt { lwt_items = %d; lwt_window = %d; lwt_before = %s; lwt_end = %s; rust_reader = %s; pushed = %b; by_interface = %b }" lwt_items
        lwt_window
        (array ocaml lwt_before) (array ocaml lwt_end) (reader rust_reader) pushed by_interface

and ocaml = function
  | Return v -> text "Return (%s)" (value v)
  | Raise n -> text "Raise %d" n
  | WaitForEver -> "WaitForEver"
  | Pause n -> text "Pause %d" n
  | Sleep n -> text "Sleep %d" n
  | Bind nodes -> text "Bind %s" (array ocaml nodes)
  | Catch nodes -> text "Catch %s" (array ocaml nodes)
  | WithValue (n, nodes) -> text "WithValue (%d, %s)" n (array ocaml nodes)
  | Collect Minor -> "Collect Minor"
  | Collect Major -> "Collect Major"
  | Collect Compact -> "Collect Compact"
  | CancelAfter (n, nodes) -> text "CancelAfter (%d, %s)" n (array ocaml nodes)
  | Pick nodes -> text "Pick %s" (array ocaml nodes)
  | Both nodes -> text "Both %s" (array ocaml nodes)
  | Protected nodes -> text "Protected %s" (array ocaml nodes)
  | NoCancel nodes -> text "NoCancel %s" (array ocaml nodes)
  | WithTimeout (n, nodes) -> text "WithTimeout (%d, %s)" n (array ocaml nodes)
  | CallRust (k, nodes) -> text "CallRust (%s, %s)" (kind k) (array rust nodes)
  | ReadRust { rust_items; rust_window; rust_before; rust_end; ocaml_reader; hesitates } ->
      text "ReadRust { rust_items = %d; rust_window = %d; rust_before = %s; rust_end = %s; ocaml_reader = %s; hesitates = %b }" rust_items
        rust_window (array rust rust_before) (array rust rust_end) (reader ocaml_reader) hesitates
  | Job nodes -> text "Job %s" (array ocaml nodes)
  | Fair Polls -> "Fair Polls"
  | Fair Channel -> "Fair Channel"
  | Fair RustStream -> "Fair RustStream"
  | Fair LwtStream -> "Fair LwtStream"
  | Owned n -> text "Owned %d" n
  | Backtrace n -> text "Backtrace %d" n

let caller = function
  | FromMain -> "FromMain"
  | FromATask -> "FromATask"
  | FromAThread -> "FromAThread"
  | FromBlockOn -> "FromBlockOn"
  | FromTheBlockingPool -> "FromTheBlockingPool"
  | FromHome -> "FromHome"

let patience = function Waits -> "Waits" | WaitsFor n -> text "WaitsFor %d" n | DropsAfter n -> text "DropsAfter %d" n

let begins = function
  | Starts -> "Starts"
  | TwoStart -> "TwoStart"
  | StartIsDropped -> "StartIsDropped"
  | ModuleRaises -> "ModuleRaises"
  | ModuleExits -> "ModuleExits"
  | ProvidesNothing -> "ProvidesNothing"

let end_place = function
  | InAPromise -> "InAPromise"
  | InACallback -> "InACallback"
  | BelowRust -> "BelowRust"
  | OnAnotherThread -> "OnAnotherThread"
  | WhereItBlocks -> "WhereItBlocks"

let ends = function
  | AllEnd -> "AllEnd"
  | ShutsDown from -> text "ShutsDown %s" (caller from)
  | ShutsDownInAHurry -> "ShutsDownInAHurry"
  | OcamlShutsDown -> "OcamlShutsDown"
  | OcamlExits place -> text "OcamlExits %s" (end_place place)
  | LeavesTheLoop -> "LeavesTheLoop"
  | RuntimeGoes -> "RuntimeGoes"
  | MainReturns -> "MainReturns"
  | MainExits -> "MainExits"
  | MainPanics -> "MainPanics"

let hosted h =
  let call { caller = c; patience = p } = text "{ caller = %s; patience = %s }" (caller c) (patience p) in
  text "{ one_thread = %b; begins = %s; calls = %s; ends = %s; after = %d }" h.one_thread (begins h.begins) (array call h.calls)
    (ends h.ends) h.after

let last = function
  | Returns -> "Returns"
  | Exits n -> text "Exits %d" n
  | Shuts_down n -> text "Shuts_down %d" n
  | Forks n -> text "Forks %d" n
  | Alarms n -> text "Alarms %d" n
  | Hosts h -> text "Hosts %s" (hosted h)

let case { programs; last = l } = text "{ programs = %s; last = %s }" (list ocaml programs) (last l)
