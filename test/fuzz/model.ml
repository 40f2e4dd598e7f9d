(* The oracle: which endings each node of a plan may have, and nothing else. There is no time here, and no thread. What depends on
   who is faster gives a set with more than one ending.

   [cancel] says that somebody may cancel the promise from outside. Rust drops what it does not want any more, and a future that was
   dropped has no ending. So what Rust cancels in OCaml is not seen by anybody, and a call of OCaml's by Rust begins with
   [~cancel:false] again.

   [over] says that OCaml may end meanwhile, in a host. Then whoever waits for it is told so, at any point: Rust's call is refused or
   broken, and OCaml's promise of Rust's is broken, as it is when Rust drops the future. Nothing else changes. What OCaml has given
   before stays given. Rust goes on, and may recover. *)

open Rust_half

type error =
  | Planned of int  (** The very exception that OCaml raised. *)
  | Rust_error of int
  | Declared_in_rust of int
  | Rust_panic of int
  | Canceled
  | Broken
  | Timed_out
  | Over  (** OCaml has ended. *)

(** A panic that still unwinds is an ending in Rust only: at the border it becomes an exception. *)
type ending = Value of value | Error of error | Unwinds of int

let union endings = List.sort_uniq compare (List.concat endings)
let values = List.filter (function Value _ -> true | _ -> false)
let others = List.filter (function Value _ -> false | _ -> true)
let only nodes = assert (Array.length nodes = 1); nodes.(0) [@@ocamlformat "disable"]

(* One after the other: the first that gives no value ends all of it. *)
let in_order endings =
  let next before here = if values before = [] then before else union [ others before; here ] in
  List.fold_left next [ Value Nothing ] endings

let recovered first otherwise = if others first = [] then first else union [ values first; otherwise ]

(* So many of a stream's items were read, which were to be [all]; each comes after [before]. *)
let stream ~items ~reader ~before ~end_ =
  let some = function n when n <= items -> Some n | _ -> None in
  let part = match reader with ToTheEnd -> None | Closes n | LetsGo n -> some n in
  let failed_before read = if read = 0 then [] else others before in
  match part with
  | Some n -> union [ failed_before n; (if n > 0 && values before = [] then [] else [ Value (Int n) ]) ]
  | None ->
      let ends = union [ others end_; (if values end_ = [] then [] else [ Value (Int items) ]) ] in
      union [ failed_before items; (if items > 0 && values before = [] then [] else ends) ]

let told_of_the_end = [ Error Over; Error Broken ]

let rec in_rust ~over node =
  let may_be_over endings = if over then union [ told_of_the_end; endings ] else endings in
  let in_rust = in_rust ~over and each = each ~over in
  match node with
  | Give value -> [ Value value ]
  | Fail n -> [ Error (Rust_error n) ]
  | Declared n -> [ Error (Declared_in_rust n) ]
  | Panic n -> [ Unwinds n ]
  | Stall -> []
  | Yields _ | Timer _ -> [ Value Nothing ]
  | Then nodes -> in_order (each nodes)
  | Recover nodes ->
      let first = in_rust nodes.(0) in
      let panics = List.filter (function Unwinds _ -> true | _ -> false) first in
      let ends = List.filter (function Unwinds _ -> false | _ -> true) first in
      union [ panics; recovered ends (in_rust nodes.(1)) ]
  | Finally nodes ->
      let first = in_rust nodes.(0) and behind = in_rust nodes.(1) in
      let panics = List.filter (function Unwinds _ -> true | _ -> false) in
      let ends = List.filter (function Unwinds _ -> false | _ -> true) in
      union [ panics first; (if ends first = [] then [] else panics behind); (if ends behind = [] then [] else ends first) ]
  | Select nodes -> union (each nodes)
  | Timeout (_, nodes) -> union [ [ Value Late ]; in_rust (only nodes) ]
  | Task (_, LetGo, _) -> [ Value Nothing ]
  | Task (_, Awaited, nodes) -> in_rust (only nodes)
  | Task (AtHome, Joined, nodes) -> may_be_over (at_the_border (in_rust (only nodes)))
  | Task (_, Joined, nodes) -> in_rust (only nodes)
  | Task (AtHome, Aborted, nodes) -> may_be_over @@ union [ [ Error Broken ]; at_the_border (in_rust (only nodes)) ]
  | Task (_, Aborted, nodes) -> union [ [ Error Broken ]; in_rust (only nodes) ]
  | Ocaml (_, nodes) -> may_be_over (in_ocaml ~cancel:false ~over (only nodes))
  | ReadLwt { lwt_items = items; lwt_before; lwt_end; rust_reader = reader; _ } ->
      may_be_over (stream ~items ~reader ~before:(in_ocaml_all ~over lwt_before) ~end_:(in_ocaml_all ~over lwt_end))

and each ~over nodes = List.map (in_rust ~over) (Array.to_list nodes)
and at_the_border = List.map (function Unwinds n -> Error (Rust_panic n) | ending -> ending)

and in_ocaml ?(over = false) ~cancel node =
  let may_be_cancelled endings = if cancel then union [ [ Error Canceled ]; endings ] else endings in
  let may_be_over endings = if over then union [ told_of_the_end; endings ] else endings in
  let in_rust = in_rust ~over and in_rust_all = in_rust_all ~over in
  let in_ocaml ~cancel node = in_ocaml ~over ~cancel node in
  let each nodes = List.map (in_ocaml ~cancel) (Array.to_list nodes) in
  match node with
  | Return value -> [ Value value ]
  | Raise n -> [ Error (Planned n) ]
  | WaitForEver -> may_be_cancelled []
  | Pause _ | Sleep _ -> may_be_cancelled [ Value Nothing ]
  | Collect _ -> [ Value Nothing ]
  | Bind nodes -> in_order (each nodes)
  | Catch nodes -> recovered (in_ocaml ~cancel nodes.(0)) (in_ocaml ~cancel nodes.(1))
  | WithValue (_, nodes) -> in_ocaml ~cancel (only nodes)
  | CancelAfter (_, nodes) -> in_ocaml ~cancel:true (only nodes)
  | Pick nodes -> union (each nodes)
  | Both nodes ->
      let all = each nodes in
      let value = if List.for_all (fun endings -> values endings <> []) all then [ Value Nothing ] else [] in
      union (value :: List.map others all)
  | Protected nodes -> may_be_cancelled (in_ocaml ~cancel:false (only nodes))
  | NoCancel nodes -> in_ocaml ~cancel:false (only nodes)
  | WithTimeout (_, nodes) -> may_be_cancelled (union [ [ Error Timed_out ]; in_ocaml ~cancel (only nodes) ])
  | CallRust ((Sync | MethodSync), nodes) -> may_be_over (at_the_border (in_rust (only nodes)))
  | CallRust (Resolver _, nodes) ->
      (* Who panics drops the resolver. *)
      let ending = function Unwinds _ -> Error Broken | ending -> ending in
      may_be_cancelled (may_be_over (union [ List.map ending (in_rust (only nodes)) ]))
  | CallRust (_, nodes) -> may_be_cancelled (may_be_over (at_the_border (in_rust (only nodes))))
  | ReadRust { rust_items = items; rust_before; rust_end; ocaml_reader = reader; _ } ->
      may_be_cancelled @@ may_be_over
        (at_the_border (stream ~items ~reader ~before:(in_rust_all rust_before) ~end_:(in_rust_all rust_end)))
  | Job nodes -> may_be_cancelled (in_ocaml ~cancel:false (only nodes))
  | Fair _ | Owned _ | Backtrace _ -> may_be_cancelled (may_be_over [ Value Nothing ])

and in_ocaml_all ~over nodes = in_ocaml ~over ~cancel:false (only nodes)
and in_rust_all ~over nodes = in_rust ~over (only nodes)

(* A host's call. Where the program begins with a call of Rust's, or reads a stream of Rust's, the host begins with Rust's part of it:
   whoever calls is Rust. It sees a panic as a panic. Who does not wait any longer has the value [Late]. A task at home is dropped when
   OCaml ends; Rust's part of a program that runs elsewhere is not. *)
let in_host ~over { caller; patience } program =
  let is_rust = match program with CallRust _ -> true | _ -> false in
  let told = if over && (caller = FromHome || not is_rust) then told_of_the_end else [] in
  let endings =
    match program with CallRust (_, nodes) -> in_rust ~over (only nodes) | program -> in_ocaml ~over ~cancel:false program
  in
  let endings = union [ told; endings ] in
  match patience with Waits -> endings | WaitsFor _ | DropsAfter _ -> union [ [ Value Late ]; endings ]

(* What [host::start] gives. Of two that start OCaml one gets it. One whose future was dropped has started it all the same. *)
let began = function
  | Starts | StartIsDropped -> "OCaml"
  | TwoStart -> "OCaml, AlreadyStarted"
  | ModuleRaises -> "Raised"
  | ModuleExits -> "Exited { code: 3 }"
  | ProvidesNothing -> "ProvidesNothing"

let has_ocaml begins = match begins with Starts | StartIsDropped | TwoStart -> true | ModuleRaises | ModuleExits | ProvidesNothing -> false

(* What the host is told of OCaml's end, whatever programs run then. [None]: the process ends first. *)
let ended = function
  | AllEnd | ShutsDown _ | ShutsDownInAHurry | OcamlShutsDown | RuntimeGoes -> Some "ShutDown"
  | OcamlExits _ -> Some "Exited { code: 7 }"
  | LeavesTheLoop -> Some "Raised"
  | MainReturns | MainExits | MainPanics -> None

(* Whether programs are told of the end. When [main] has returned nobody is there to be told. *)
let ends_meanwhile ends = ends <> AllEnd && ended ends <> None

(* Whether calls are refused as soon as the host is told. Where another thread of OCaml's has called [exit], Lwt's thread may go on
   until its next turn; then they are. *)
let is_over_at_once = function OcamlExits (OnAnotherThread | WhereItBlocks) -> false | _ -> true

(* What the hooks of [at_exit] have been told of is all that was acknowledged, and no more than was asked for. *)
let journal ~asked ~acknowledged kept = acknowledged <= kept && kept <= asked

let seen = function
  | Value value -> SeenValue value
  | Unwinds n | Error (Rust_panic n) -> SeenPanic n
  | Error (Planned n) -> SeenException n
  | Error (Rust_error n) -> SeenError n
  | Error (Declared_in_rust n) -> SeenDeclared n
  | Error Canceled -> SeenCanceled
  | Error Broken -> SeenBroken
  | Error Timed_out -> SeenTimeout
  | Error Over -> SeenOver

let column = function
  | Planned _ | Declared_in_rust _ -> "exception"
  | Rust_error _ -> "error"
  | Rust_panic _ -> "panic"
  | Canceled -> "cancelled"
  | Broken -> "broken"
  | Timed_out -> "timeout"
  | Over -> "refused"

let describe = function
  | Value _ -> "a value"
  | Unwinds n -> Printf.sprintf "panic %d" n
  | Error (Planned n) -> Printf.sprintf "exception %d" n
  | Error (Rust_error n) -> Printf.sprintf "error %d" n
  | Error (Declared_in_rust n) -> Printf.sprintf "declared exception %d" n
  | Error (Rust_panic n) -> Printf.sprintf "panic %d" n
  | Error Canceled -> "cancelled"
  | Error Broken -> "broken promise"
  | Error Timed_out -> "timeout"
  | Error Over -> "refused, since OCaml has ended"
