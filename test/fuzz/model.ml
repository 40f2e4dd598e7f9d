(* The oracle: which endings each node of a plan may have, and nothing else. There is no time here, and no thread. What depends on
   who is faster gives a set with more than one ending.

   [cancel] says that somebody may cancel the promise from outside. Rust drops what it does not want any more, and a future that was
   dropped has no ending. So what Rust cancels in OCaml is not seen by anybody, and a call of OCaml's by Rust begins with
   [~cancel:false] again. *)

open Rust_half

type error =
  | Planned of int  (** The very exception that OCaml raised. *)
  | Rust_error of int
  | Declared_in_rust of int
  | Rust_panic of int
  | Canceled
  | Broken
  | Timed_out

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

let rec in_rust node =
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
  | Task (AtHome, Joined, nodes) -> at_the_border (in_rust (only nodes))
  | Task (_, Joined, nodes) -> in_rust (only nodes)
  | Task (AtHome, Aborted, nodes) -> union [ [ Error Broken ]; at_the_border (in_rust (only nodes)) ]
  | Task (_, Aborted, nodes) -> union [ [ Error Broken ]; in_rust (only nodes) ]
  | Ocaml (_, nodes) -> in_ocaml ~cancel:false (only nodes)
  | ReadLwt { lwt_items = items; lwt_before; lwt_end; rust_reader = reader; _ } ->
      stream ~items ~reader ~before:(in_ocaml_all lwt_before) ~end_:(in_ocaml_all lwt_end)

and each nodes = List.map in_rust (Array.to_list nodes)
and at_the_border = List.map (function Unwinds n -> Error (Rust_panic n) | ending -> ending)

and in_ocaml ~cancel node =
  let may_be_cancelled endings = if cancel then union [ [ Error Canceled ]; endings ] else endings in
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
  | CallRust ((Sync | MethodSync), nodes) -> at_the_border (in_rust (only nodes))
  | CallRust (Resolver _, nodes) ->
      (* Who panics drops the resolver. *)
      let ending = function Unwinds _ -> Error Broken | ending -> ending in
      may_be_cancelled (union [ List.map ending (in_rust (only nodes)) ])
  | CallRust (_, nodes) -> may_be_cancelled (at_the_border (in_rust (only nodes)))
  | ReadRust { rust_items = items; rust_before; rust_end; ocaml_reader = reader; _ } ->
      may_be_cancelled
        (at_the_border (stream ~items ~reader ~before:(in_rust_all rust_before) ~end_:(in_rust_all rust_end)))
  | Job nodes -> may_be_cancelled (in_ocaml ~cancel:false (only nodes))
  | Fair _ | Owned _ | Backtrace _ -> may_be_cancelled [ Value Nothing ]

and in_ocaml_all nodes = in_ocaml ~cancel:false (only nodes)
and in_rust_all nodes = in_rust (only nodes)

let column = function
  | Planned _ | Declared_in_rust _ -> "exception"
  | Rust_error _ -> "error"
  | Rust_panic _ -> "panic"
  | Canceled -> "cancelled"
  | Broken -> "broken"
  | Timed_out -> "timeout"

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
