open Lwt.Infix
open Interop_host

exception Own of string

let () = if Array.exists (( = ) "--raise") Sys.argv then raise (Own "while initialising")

let () = if Array.exists (( = ) "--exit-thread") Sys.argv then Ends.act ExitThread

let () =
  if Array.exists (( = ) "--exit") Sys.argv then begin
    at_exit (fun () -> print_endline "hook");
    print_string "unflushed ";
    exit 3
  end

let apply { height; operations } =
  match operations with
  | [||] -> Lwt.return (Error (Empty { height }))
  | [| "raise" |] -> raise (Own "raised by OCaml")
  | _ -> Lwt.pause () >|= fun () -> Ok { height; applied = Array.length operations }

let version () = "4.2"
let cancelled = ref 0

let forever () =
  let promise, _ = Lwt.task () in
  Lwt.on_cancel promise (fun () -> incr cancelled);
  promise

let own = Own "raised by OCaml"
let raise_ () = raise own
let count_to last = Lwt_stream.of_list (List.init last succ)
let sum numbers = Lwt_stream.fold ( + ) numbers 0
let rec add_to counter times = if times = 0 then Lwt.return_unit else Counter.add counter >>= fun () -> add_to counter (times - 1)

let repeat ?(times = 2) ~text () = Lwt.return (String.concat "" (List.init times (fun _ -> text)))

let ready_calls count =
  let rec go n = if n = count then Lwt.return n else ready n >>= go in
  go 0

let exit_ code = exit code

let exit_on_a_thread code =
  ignore (Thread.create exit code : Thread.t);
  fst (Lwt.wait ())

(* What a hook raises leaves the loop. *)
let leave_the_loop () =
  let hook = ref None in
  hook :=
    Some
      (Lwt_main.Enter_iter_hooks.add_first (fun () ->
           Option.iter Lwt_main.Enter_iter_hooks.remove !hook;
           raise own));
  fst (Lwt.wait ())

let spin () =
  while true do
    ignore (Sys.opaque_identity (ref 0))
  done;
  Lwt.return_unit

let sleep seconds = rust_sleep seconds

let child_exits code =
  match Lwt_unix.fork () with
  | 0 -> exit code
  | pid -> (
      Lwt_unix.waitpid [] pid >|= function
      | _, WEXITED code -> code
      | _, (WSIGNALED _ | WSTOPPED _) -> -1)

let allocate lists =
  let rec go kept n = if n = 0 then List.length kept else go (List.init 100 Fun.id :: kept) (n - 1) in
  Lwt.return (go [] lists)

let deep () =
  let rec deep n = 1 + deep (n + 1) in
  Lwt.return (deep 0)

let shut_down () =
  Rust_async.shutdown ();
  Lwt.return_unit

let () =
  at_exit (fun () -> print_endline "OCaml's hook");
  if not (Array.exists (( = ) "--nothing") Sys.argv) then begin
    Protocol.provide { apply; version };
    Protocol.provide ~name:"other" { apply; version = (fun () -> "5.0") };
    let rec kinds : Kinds.t =
      {
        forever;
        cancelled = (fun () -> !cancelled);
        raise = raise_;
        raise_without_place = raise_;
        keeps_identity = (fun () -> Lwt.catch (fun () -> raised_by kinds >|= fun () -> false) (fun exn -> Lwt.return (exn == own)));
        count_to;
        sum;
        add_to;
        repeat;
        ready_calls;
        exit = exit_;
        exit_on_a_thread;
        leave_the_loop;
        spin;
        sleep;
        child_exits;
        allocate;
        deep;
        shut_down;
        on_a_domain = On_domain.run;
      }
    in
    Kinds.provide kinds;
    Endings.provide { end_ = Ends.end_; end_now = Ends.act }
  end

let () =
  if Array.exists (( = ) "--twice") Sys.argv then
    try Protocol.provide { apply; version } with Invalid_argument why -> prerr_endline why

let () =
  if Array.exists (( = ) "--argument") Sys.argv then
    Lwt_main.run (version_of { Protocol.apply; version = (fun () -> "of an argument") } >|= print_endline)
