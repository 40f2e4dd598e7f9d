(* Every kind of border crossing once, with a check that what arrives is what was sent. [disturb] is called where OCaml is
   called back. *)

open Lwt.Syntax
open Law
open Declared
open Probe

type ending = Rust_half.ending = Value | Error | Panic | Dropped
type stream_ending = Rust_half.stream_ending = End | Error | Panic | Never
type request = Rust_half.request = { path : string; body : string Lwt_stream.t; length : int option }
type response = Rust_half.response = { status : int; out : string Lwt_stream.t; reason : string }
type how = Rust_half.how = Drop | DropOnThread | Race | Select | Timeout | Abort

type thing = Rust_half.Objects.Thing.t
type things = Rust_half.things = { left : thing; right : thing option }

let thing_make = Rust_half.Objects.Thing.make
let thing_late = Rust_half.Objects.Thing.make_later
let thing_same = Rust_half.Objects.Thing.same
let thing_swap = Rust_half.Objects.objects_swap
let thing_names = Rust_half.Objects.objects_names
let thing_close = Rust_half.Objects.Thing.close
let string = Rust_half.Values.values_string
let variant = Rust_half.Values.values_variant
let tuple = Rust_half.Values.values_tuple
let list = Rust_half.Values.values_list
let list_of_lists = Rust_half.Values.values_list_of_lists
let assoc = Rust_half.Values.values_assoc
let matrix = Rust_half.Values.values_matrix
external any : 'a -> bool -> 'a Lwt.t = "interop_tests__values_any"
let result = Rust_half.Endings.endings_result
let promise_back = Rust_half.Values.values_promise

let take_12 = Rust_half.Values.values_take_12

let give_12 = Rust_half.Values.values_give_12

let apply = Rust_half.Values.values_apply
let error = Rust_half.Endings.endings_error
external ocaml_error : int -> exn -> bool -> int Lwt.t = "interop_tests__endings_ocaml_error"
let pass = Rust_half.Endings.endings_pass
let read = Rust_half.Endings.endings_read
let registered = Rust_half.Endings.endings_registered
let panic = Rust_half.Endings.endings_panic
let function_ = Rust_half.Matrix.matrix_function
let resolver = Rust_half.Matrix.matrix_resolver
let await_in = Rust_half.Matrix.matrix_promise
let call_in = Rust_half.Matrix.matrix_call
let give_up = Rust_half.Cancel.cancel_give_up
let text_on_workers = Rust_half.On_tokio.on_tokio_text_on_workers
let text_blocking = Rust_half.On_tokio.on_tokio_text_blocking
let error_on_workers = Rust_half.On_tokio.on_tokio_error_on_workers
let ocaml_error_on_workers = Rust_half.On_tokio.on_tokio_ocaml_error_on_workers
let panic_on_workers = Rust_half.On_tokio.on_tokio_panic_on_workers
let pass_on_workers = Rust_half.On_tokio.on_tokio_pass_on_workers
let pass_blocking = Rust_half.On_tokio.on_tokio_pass_blocking
let blocking_text = Rust_half.Blocking.blocking_text
let blocking_call = Rust_half.Blocking.blocking_call
let make = Rust_half.Gc.gc_make
external in_between : 'a -> (unit -> unit) -> bool -> ('a * 'a) Lwt.t = "interop_tests__gc_in_between"
let stream = Rust_half.Streams.streams_script
let read_stream = Rust_half.Streams.streams_read
let request = Rust_half.Streams.streams_request
let write_to_array = Rust_half.Arrays.arrays_write
let made_array = Rust_half.Arrays.arrays_made
let give_up_stream = Rust_half.Streams.streams_give_up
external hold : int Lwt.t -> (int -> int Lwt.t) -> 'a -> string -> 'a Lwt.t = "interop_tests__gc_hold"

let text = String.make 500 't'
let same value promise = Lwt.map (fun came -> check_bool "the same" true (compare came value = 0)) promise
let ends_with exn promise =
  let+ ending = ending promise in
  let seen = match ending with Ok _ -> "a value" | Error came -> Printexc.to_string came in
  check_bool seen true (starts_with ~prefix:(Printexc.to_string exn) seen)
[@@ocamlformat "disable"]

let disturb () = !Minor_heap.disturb ()

let nap () =
  disturb ();
  Lwt.map disturb (Lwt.pause ())

let refused = Refused text
let chain = Rust_async.Rust_error { message = "the probe failed"; causes = [ "disk on fire" ] }
let panicked message = Rust_async.Rust_panic { message; location = "test/src/endings.rs" }

(* At once and after a yield. *)
let values =
  [
    ("string", fun yields -> same text (string (String.sub text 0 500) yields));
    ("variant", fun yields -> same (Named (text, { x = 1.5; y = 2.5 })) (variant (Named (text, { x = 1.5; y = 2.5 })) yields));
    ("inline_record", fun yields -> same (Rectangle { width = 1.5; height = 2.5 }) (variant (Rectangle { width = 1.5; height = 2.5 }) yields));
    ("tuple", fun yields -> same (1, 2.5, text, Some true, (3l, 4L)) (tuple (1, 2.5, text, Some true, (3l, 4L)) yields));
    ("list", fun yields -> same (List.init 9 string_of_int) (list (List.init 9 string_of_int) yields));
    ( "list_of_lists",
      fun yields -> same [ [ None ]; []; [ Some 1; Some 2 ] ] (list_of_lists [ [ None ]; []; [ Some 1; Some 2 ] ] yields) );
    ("association_list", fun yields -> same [ ("a", 1); ("b", 2) ] (assoc [ ("a", 1); ("b", 2) ] yields));
    ("matrix", fun yields -> same [| [| 1.5; 2.5 |]; [||]; [| 3.5 |] |] (matrix [| [| 1.5; 2.5 |]; [||]; [| 3.5 |] |] yields));
    ("any_value", fun yields -> same (ref text) (any (ref (String.sub text 0 500)) yields));
    ("result", fun yields -> same (Result.Error "refused") (result false yields));
    ("promise", fun yields -> Lwt.bind (promise_back (Lwt.map (fun () -> 7) (nap ())) yields) (same 7));
    ("many_values", fun yields ->
        let made = Array.init 10 (fun i -> (Printf.sprintf "%s %d" text i, Some (Array.make 3 (float_of_int i)), text)) in
        same made (make (String.sub text 0 500) yields));
    ("value_across_a_callback", fun yields -> same (ref text, ref text) (in_between (ref (String.sub text 0 500)) disturb yields));
    ("error_with_a_chain", fun yields -> ends_with chain (error 3 yields));
    ("error_of_ocaml_rs", fun yields ->
        Lwt_list.iter_s (fun (which, exn) -> ends_with exn (ocaml_error which refused yields))
          [ (0, Failure "some text"); (4, Not_found); (6, Invalid_argument "some text"); (9, Sys_error "some text");
            (14, refused); (15, Refused "some text") ]);
    ("registered_exception", fun yields -> ends_with (Refused "by Rust") (registered "test.refused" yields));
    ("exception_through_rust", fun yields -> ends_with refused (pass (fun () -> disturb (); raise (Refused (String.sub text 0 500))) yields));
    ("rejection_through_rust", fun yields -> ends_with refused (pass (fun () -> Lwt.bind (nap ()) (fun () -> Lwt.fail (Refused text))) yields));
    ("panic", fun yields -> ends_with (panicked "formatted 7") (panic 1 yields));
    ("value_on_workers", fun yields -> same text (text_on_workers (String.sub text 0 500) yields));
    ("error_on_workers", fun yields -> ends_with chain (error_on_workers 3 yields));
    ("error_of_ocaml_rs_on_workers", fun yields -> ends_with (Failure "some text") (ocaml_error_on_workers 0 yields));
    ("panic_on_workers", fun yields -> ends_with (panicked "formatted 7") (panic_on_workers 1 yields));
    ("exception_through_workers", fun yields -> ends_with refused (pass_on_workers (fun () -> disturb (); raise (Refused (String.sub text 0 500))) yields));
    ("panic_in_a_conversion", fun yields -> ends_with (panicked "in its conversion") (panic 4 yields));
  ]
[@@ocamlformat "disable"]

let once =
  [
    ("twelve_arguments", fun () ->
        same "1 b 3.5 4 5 b 7.5 8 9 b 11.5 12" (take_12 1 "b" 3.5 4L 5 "b" 7.5 8L 9 "b" 11.5 12L));
    ("call_with_twelve_arguments", fun () ->
        same text (give_12 (fun _ b _ _ _ f _ h _ j _ l ->
            disturb ();
            check_bool "arguments" true (b = "b" && f = "b" && h = 8L && j = "b" && l = 12L);
            Lwt.map (fun () -> String.sub text 0 500) (nap ()))));
    ("blocking_value", fun () -> same text (text_blocking (String.sub text 0 500)));
    ("rejection_through_a_blocking_call", fun () -> ends_with refused (pass_blocking (fun () -> Lwt.bind (nap ()) (fun () -> Lwt.fail (Refused text)))));
    ("calls_of_now", fun () -> same "01234" (apply (fun i text -> disturb (); text ^ string_of_int i) 5));
    ("reading_an_exception", fun () ->
        same ("Unix.Unix_error", "Unix.Unix_error(Unix.ENOENT, \"open\", \"" ^ text ^ "\")", Some "open")
          (read (Lwt.bind (nap ()) (fun () -> Lwt.fail (Unix.Unix_error (Unix.ENOENT, "open", text))))));
    ("argument_that_is_refused", fun () ->
        (match string "\xff" false with
        | (_ : string Lwt.t) -> Alcotest.fail "accepted"
        | exception exn -> check_bool "refused" true (starts_with ~prefix:"Invalid_argument" (Printexc.to_string exn)));
        Lwt.return_unit);
    ("stream_of_rust", fun () ->
        let* items = Lwt_stream.to_list (stream 40 Yield End nap) in
        same (List.init 40 Fun.id) (Lwt.return items));
    ("stream_of_rust_that_fails", fun () ->
        let stream = stream 1 At_once Error nap in
        let* item = Lwt_stream.get stream in
        check_bool "item" true (item = Some 0);
        ends_with (Rust_async.Rust_error { message = "the end"; causes = [] }) (Lwt.apply Lwt_stream.get stream));
    ("stream_of_rust_that_nobody_reads_on", fun () ->
        let stream = stream 3 Lwt_timer Never nap in
        let* item = Lwt_stream.get stream in
        check_bool "item" true (item = Some 0);
        Lwt.return (Lwt.cancel (Lwt_stream.get stream)));
    ("streams_in_records", fun () ->
        let body = Lwt_stream.from (let n = ref 0 in fun () -> disturb (); incr n;
          if !n > 40 then Lwt.return_none else Lwt.map (fun () -> Some (Printf.sprintf "item %d" !n)) (if !n mod 5 = 0 then Lwt.pause () else Lwt.return_unit)) in
        let* { status; out; reason } = request { path = String.sub text 0 500; body; length = Some 7 } in
        let* items = Lwt_stream.to_list out in
        same (7, text, List.init 40 (fun i -> Printf.sprintf "ITEM %d" (i + 1))) (Lwt.return (status, reason, items)));
    ("objects", fun () ->
        let made = thing_make (String.sub text 0 500) in
        let again = thing_same made in
        let left, right = (fun { left; right } -> (left, right)) (thing_swap { left = made; right = Some again }) in
        let* late = thing_late text in
        let names = thing_names [ left; Option.get right; late ] in
        List.iter thing_close [ made; late ];
        same [| text; text; text |] (Lwt.return names));
    ("array_of_rust", fun () ->
        let* array = made_array 500 in
        disturb ();
        let part = Bigarray.Array1.sub array 10 20 in
        disturb ();
        same (String.make 500 'r', String.make 20 'r') (Lwt.return (Lwt_bytes.to_string array, Lwt_bytes.to_string part)));
    ("cancellation", fun () ->
        let promise = hold (fst (Lwt.wait ())) (fun n -> Lwt.return n) (ref text) text in
        let* () = nap () in
        Lwt.cancel promise;
        ends_with Lwt.Canceled promise);
  ]
[@@ocamlformat "disable"]

let in_places =
  let places = [ Domain; Tokio; Thread ] in
  let each name program = List.map (fun place -> (name ^ "_" ^ in_place place, fun () -> program place)) places in
  let canceled promise () = match Lwt.state promise with Lwt.Fail Lwt.Canceled -> "canceled" | _ -> "pending" in
  List.concat
    [
      each "function" (fun place -> same 42 (function_ place Yield Value nap));
      each "error" (fun place -> ends_with chain (function_ place Lwt_timer Error nap));
      each "panicking_function" (fun place ->
          let+ ending = ending (function_ place Yield Panic nap) in
          match ending with
          | Error (Rust_async.Rust_panic { message; location = _ }) -> check_bool message true (starts_with ~prefix:"the " message)
          | _ -> Alcotest.fail "no panic");
      each "aborted_task" (fun place -> ends_with Rust_async.Broken_promise (function_ place Yield Dropped nap));
      each "resolver" (fun place -> same 42 (Lwt.bind (resolver place Lwt_timer Value nap) Fun.id));
      each "rejecting_resolver" (fun place -> ends_with chain (Lwt.bind (resolver place Yield Error nap) Fun.id));
      each "dropped_resolver" (fun place -> ends_with Rust_async.Broken_promise (Lwt.bind (resolver place Yield Dropped nap) Fun.id));
      each "awaited_promise" (fun place -> same 7 (await_in place (Lwt.map (fun () -> 7) (nap ()))));
      each "awaited_rejection" (fun place -> ends_with refused (await_in place (Lwt.bind (nap ()) (fun () -> Lwt.fail (Refused text)))));
      each "call" (fun place -> same 43 (call_in place (fun n -> Lwt.map (fun () -> n + 1) (nap ()))));
      each "function_called_at_home" (fun place ->
          same (List.init 5 (fun _ -> text ^ text))
            (blocking_text AtHome place (fun text list -> disturb (); List.map (( ^ ) text) list) (String.sub text 0 500)));
      each "function_called_by_a_blocking_call" (fun place ->
          same (List.init 5 (fun _ -> text ^ text))
            (blocking_text Blocking place (fun text list -> disturb (); List.map (( ^ ) text) list) (String.sub text 0 500)));
      each "exception_of_a_blocking_call" (fun place ->
          ends_with refused (blocking_call Blocking place (fun _ -> disturb (); raise (Refused (String.sub text 0 500)))));
      each "stream_of_ocaml" (fun place ->
          let n = ref (-1) in
          let stream = Lwt_stream.from (fun () -> disturb (); incr n;
            if !n < 40 then Lwt.map (fun () -> Some !n) (if !n mod 5 = 0 then nap () else Lwt.return_unit) else raise (Refused (String.sub text 0 500))) in
          same (Array.init 40 Fun.id, "refused " ^ text) (read_stream place stream 16));
      each "stream_of_ocaml_that_is_given_up" (fun place ->
          let stream, push = Lwt_stream.create () in
          let+ () = give_up_stream place true stream in
          (* Until now somebody could write to it, so that it is not collected. *)
          ignore (Sys.opaque_identity push : int option -> unit));
      each "lent_array" (fun place ->
          let array = Lwt_bytes.of_string (String.sub text 0 500) in
          let* () = write_to_array place array nap in
          let part = Lwt_bytes.extract array 10 20 in
          let* () = write_to_array place part nap in
          same (String.make 500 '\002', String.make 20 '\002') (Lwt.return (Lwt_bytes.to_string array, Lwt_bytes.to_string part)));
      each "dropped_future" (fun place ->
          let promise = fst (Lwt.task ()) in
          let* () = give_up place Drop false promise in
          eventually "it" (canceled promise) "canceled");
      each "timed_out_future" (fun place ->
          let promise = fst (Lwt.task ()) in
          let* () = give_up place Timeout false promise in
          eventually "it" (canceled promise) "canceled");
    ]
[@@ocamlformat "disable"]

let all =
  List.concat_map
    (fun (name, program) ->
      [ (name ^ "_at_once", fun () -> program false); (name ^ "_after_a_yield", fun () -> program true) ])
    values
  @ once @ in_places
