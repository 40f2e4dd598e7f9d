(* Deep in the stack: what recurses through the bridge ends with an exception, once, and both sides work afterwards. *)

open Case
open Functions

(* By hand: a name for a declaration would be a frame more on the stack, and how many there are is counted here. *)
external uses_stack : int -> unit Lwt.t = "interop_tests__process_uses_stack"
external stack_left : unit -> int = "process_stack_left"
external plain_call : (int -> int) -> int -> int = "interop_tests__process_plain_call"

let strays = ref 0

(* What a recursion ended with; and nothing comes afterwards. *)
let once f =
  (Lwt.async_exception_hook :=
     fun exn ->
       incr strays;
       say "hook: %s" (Printexc.to_string exn));
  (match f () with
  | _ -> say "it ended"
  | exception Stack_overflow -> say "Stack_overflow"
  | exception exn -> say "%s" (Printexc.to_string exn));
  hand_written (all_ways ());
  hand_written (all_ways ());
  check "one exception" (!strays = 0)

let overflows = [ "Stack_overflow"; works; works ]

(* Recursions without an end, through Rust; each level is one frame of OCaml's and several of Rust's. *)
let recursions =
  let now promise = match Lwt.state promise with Return n -> n | Fail exn -> raise exn | Sleep -> 0 in
  let rec asynchronous n = Lwt.map (( + ) 1) (call (fun n -> asynchronous (n + 1)) n) in
  let rec function_of n = 1 + now (call_now (fun n -> function_of (n + 1)) n) in
  let rec plain n = 1 + plain_call (fun n -> plain (n + 1)) n in
  let rec bound n = Lwt.bind (ready n) (fun n -> Lwt.map (( + ) 1) (bound (n + 1))) in
  let rec after_a_wait n = if n > 0 then call (fun n -> after_a_wait n) n else Lwt.return 0 in
  [
    ("an_asynchronous_function", fun () -> hand_written (asynchronous 0));
    ("a_function", fun () -> function_of 0);
    ("a_function_at_once", fun () -> plain 0);
    ("a_call_that_is_ready_at_once", fun () -> hand_written (bound 0));
    ( "an_asynchronous_function_in_a_tick",
      fun () -> hand_written (Lwt.bind (yield 1) (fun _ -> asynchronous 0)) );
    ("a_function_in_a_tick", fun () -> hand_written (Lwt.map (fun _ -> function_of 0) (yield 1)));
    ( "an_asynchronous_function_after_a_wait",
      fun () -> hand_written (Lwt.bind (yield 1) (fun n -> Lwt.bind (asynchronous n) after_a_wait)) );
  ]

(* Stacks of other sizes: this program again, in a shell that sets the limit. (And one for all of its memory, in KiB: a
   recursion that nobody ends would take the machine's.) *)
let under limit run () =
  if Sys.getenv_opt "DEPTH_LIMIT" = Some limit then run ()
  else begin
    Unix.putenv "DEPTH_LIMIT" limit;
    let again = Printf.sprintf "ulimit -v 4000000; ulimit -s %s; exec \"$0\" --run \"$1\"" limit in
    Unix.execv "/bin/sh" [| "sh"; "-c"; again; Sys.executable_name; Sys.argv.(2) |]
  end

(* OCaml 5 and bytecode have stacks of OCaml's own: as large as 8 MiB, for what is to fill them. (OCaml 5's own limit is 1 GiB,
   which each minor collection of a recursion has to read.) *)
let parameter it =
  let others = Option.fold (Sys.getenv_opt "OCAMLRUNPARAM") ~none:"" ~some:(fun others -> others ^ ",") in
  [ ("OCAMLRUNPARAM", others ^ it) ]

let small = parameter "l=1M"

let recursing =
  List.concat_map
    (fun (what, recurse) ->
      [
        case ("recursion_through_" ^ what ^ "_overflows_once") ~out:overflows ~env:small (fun () -> once recurse);
        case ("recursion_through_" ^ what ^ "_on_a_small_stack_overflows_once") ~out:overflows ~env:small
          (under "512" (fun () -> once recurse));
      ])
    recursions
  @ [
      case "recursion_on_a_stack_without_a_limit_overflows_once" ~out:overflows ~at_most:120.
        ~env:(if Sys.ocaml_version < "5" then parameter "s=16M" else small)
        (under "unlimited" (fun () -> once (List.assoc "a_function" recursions)));
      case "recursion_on_the_thread_that_runs_lwt_overflows_once" ~out:overflows (fun () ->
          Thread.join
            (Thread.create
               (fun () ->
                 Lwt_main.run (Lwt_unix.sleep 0.001);
                 once (List.assoc "a_function" recursions))
               ()));
      case "a_thousand_overflows" ~out:overflows ~env:small ~at_most:60. (fun () ->
          let recurse = List.assoc "an_asynchronous_function" recursions in
          once (fun () ->
              for _ = 1 to 20 do
                try ignore (recurse () : int) with Stack_overflow -> ()
              done;
              recurse ()));
    ]

(* OCaml code that recurses by itself to the end of the stack, and does this on the way, every few levels. OCaml 4's native
   code, which runs on the thread's stack, turns back before that ends: the exception that OCaml 4.13 makes of a fault forgets
   what was allocated since the last call of a C function ([segv_handler] does not save [young_ptr]; 4.14 does not need to), so
   that the heap is damaged, without Rust as well. *)
exception Enough

let down_to_the_end f =
  (* This much is read once, since reading it is slow. *)
  let left = ref (stack_left ()) in
  let rec deep n =
    if n land 31 = 0 then begin
      f ();
      if !left < 300_000 || n land 4095 = 0 then left := stack_left ();
      if !left < 10_000 then raise Enough
    end;
    let below = deep (n + 1) in
    below + Sys.opaque_identity 1
  in
  match deep 1 with _ -> () | exception (Stack_overflow | Enough) -> ()

let waiting =
  [
    case "a_call_begins_with_enough_stack_or_is_refused" ~out:[ "so"; works ] ~env:small (fun () ->
        let begun = ref 0 in
        down_to_the_end (fun () ->
            check "it ends at once" (Lwt.state (uses_stack 200) = Return ());
            incr begun);
        check "calls were made" (!begun > 0);
        say "so";
        hand_written (all_ways ()));
    case "a_wait_that_is_resolved_in_a_deep_recursion_is_not_lost" ~out:[ "all"; works ] ~env:small ~at_most:60. (fun () ->
        let waits = ref [] in
        Lwt.async_exception_hook := raise;
        let count = 50_000 in
        let pending = Array.init count (fun _ -> Lwt.wait ()) in
        Array.iter (fun (promise, _) -> waits := await promise :: !waits) pending;
        let next = ref 0 in
        down_to_the_end (fun () ->
            if !next < count then begin
              let i = !next in
              incr next;
              Lwt.wakeup (snd pending.(i)) i
            end);
        check "the end of the stack came first" (!next > 100 && !next < count);
        for i = !next to count - 1 do
          Lwt.wakeup (snd pending.(i)) i
        done;
        (* What Lwt was about to resolve when there was no more stack for it is broken when OCaml collects it. *)
        Gc.full_major ();
        hand_written (Lwt_unix.sleep 0.01);
        let lost = List.filter (fun wait -> Lwt.state wait = Lwt.Sleep) !waits in
        say "%s" (if lost = [] then "all" else Printf.sprintf "%d are pending" (List.length lost));
        hand_written (all_ways ()));
    case "a_call_that_is_cancelled_in_a_deep_recursion_ends" ~out:[ "all"; works ] ~env:small ~at_most:60. (fun () ->
        Lwt.async_exception_hook := raise;
        let count = 50_000 in
        let calls = Array.init count (fun _ -> await (fst (Lwt.task ()))) in
        let next = ref 0 in
        down_to_the_end (fun () ->
            if !next < count then begin
              let call = calls.(!next) in
              incr next;
              Lwt.cancel call
            end);
        check "the end of the stack came first" (!next > 100 && !next < count);
        for i = !next to count - 1 do
          Lwt.cancel calls.(i)
        done;
        Gc.full_major ();
        (* What a cancellation leaves to be done is done in the turns that follow. *)
        let rec all_ended () =
          let { Rust_async.tasks; _ } = Rust_async.stats () in
          if tasks = 0 then Lwt.return_unit else Lwt.bind (Lwt.pause ()) all_ended
        in
        hand_written (all_ended ());
        say "all";
        hand_written (all_ways ()));
    case "a_loop_in_a_deep_recursion_raises_or_works" ~out:[ "so"; works ] ~env:small (fun () ->
        Lwt.async_exception_hook := raise;
        down_to_the_end (fun () -> check "the loop gives what was called" (Lwt_main.run (yield 2) = 2));
        say "so";
        hand_written (all_ways ()));
    case "an_overflow_in_a_blocking_call_is_the_calls_exception" ~out:[ "Stack_overflow"; works; works ] ~env:small (fun () ->
        let rec deep n = if n < 0 then 0 else 1 + deep (Sys.opaque_identity (n + 1)) in
        once (fun () -> Lwt_main.run (blocking_call deep 0)));
    case "an_overflow_in_a_function_is_the_calls_exception" ~out:[ "Stack_overflow"; works; works ] ~env:small (fun () ->
        let rec deep n = if n < 0 then 0 else 1 + deep (Sys.opaque_identity (n + 1)) in
        once (fun () -> Lwt_main.run (call_later deep 0)));
  ]

let () = main (recursing @ waiting)
