(* A test here is a law: a name that says what is always so, and a program that shows it. Every law also shows that the
   bridge keeps nothing: what was alive before is what is alive after it. *)

open Lwt.Syntax

(* Many laws panic, and printing a backtrace costs more than all the rest. (With TEST_BACKTRACE=full it is done.) *)
let () = Unix.putenv "RUST_BACKTRACE" (Option.value (Sys.getenv_opt "TEST_BACKTRACE") ~default:"0")

(* Longer than anything takes; on a machine with other work, too. *)
let patience = 30.

let alive () =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects; loans } = Rust_async.stats () in
  Printf.sprintf "%d tasks, %d subscriptions, %d roots, %d objects, %d loans" tasks subscriptions roots objects loans

(* Waits until [read ()] is [expected]: for what another thread is about to do. *)
let eventually what read expected =
  let deadline = Unix.gettimeofday () +. patience in
  let rec look () =
    let seen = read () in
    if seen = expected then Lwt.return_unit
    else if Unix.gettimeofday () > deadline then Alcotest.failf "%s: %s, expected %s" what seen expected
    else
      let* () = Lwt_unix.sleep 0.0005 in
      look ()
  in
  look ()

(* A loop that does not turn kills the process: nobody could end the law otherwise. *)
let with_alarm seconds f =
  ignore (Unix.alarm seconds : int);
  Fun.protect f ~finally:(fun () -> ignore (Unix.alarm 0 : int))

let law name program =
  Alcotest.test_case name `Quick (fun () ->
      with_alarm (4 * int_of_float patience) (fun () ->
          let before = alive () in
          Lwt_main.run (Lwt_unix.with_timeout (2. *. patience) program);
          Lwt_main.run (eventually "what the bridge keeps" alive before)))

(* A law without a promise. *)
let law_now name program = law name (fun () -> Lwt.return (program ()))

(* How a promise ended, once it has. *)
let ending promise = Lwt.try_bind (fun () -> promise) Lwt.return_ok Lwt.return_error

(* The value of a promise that is resolved already. *)
let now promise =
  match Lwt.state promise with
  | Lwt.Return value -> value
  | Lwt.Fail exn -> raise exn
  | Lwt.Sleep -> Alcotest.fail "the promise is pending, and was to be resolved at once"

let check_string what expected seen = Alcotest.(check string) what expected seen
let check_int what expected seen = Alcotest.(check int) what expected seen
let check_bool what expected seen = Alcotest.(check bool) what expected seen

let starts_with ~prefix text =
  String.length text >= String.length prefix && String.sub text 0 (String.length prefix) = prefix

let contains ~part text =
  let n = String.length part in
  let rec look i = i + n <= String.length text && (String.sub text i n = part || look (i + 1)) in
  look 0

let rec same_shape a b =
  if Obj.is_int a || Obj.is_int b then a == b
  else
    Obj.tag a = Obj.tag b
    && Obj.size a = Obj.size b
    && (Obj.tag a >= Obj.no_scan_tag
       || List.for_all (fun i -> same_shape (Obj.field a i) (Obj.field b i)) (List.init (Obj.size a) Fun.id))

(* Equal, and of the same representation, which [compare] does not look at. *)
let same_copy a b = compare a b = 0 && same_shape (Obj.repr a) (Obj.repr b)

(* An exception of a module whose name Rust can know. *)
exception Refused of string

let () =
  Callback.register_exception "test.refused" (Refused "");
  Rust_async.register_exception "test.refused" (Refused "");
  Printexc.register_printer (function Refused text -> Some ("refused " ^ text) | _ -> None)

(* Calls [f] with a hook for asynchronous exceptions, and [told], which gives what the hook was told. *)
let with_async_hook f =
  let hook = !Lwt.async_exception_hook and told = ref [] in
  Lwt.async_exception_hook := (fun exn -> told := exn :: !told);
  Lwt.finalize
    (fun () -> f (fun () -> String.concat "; " (List.rev_map Printexc.to_string !told)))
    (fun () ->
      Lwt.async_exception_hook := hook;
      Lwt.return_unit)
