(* OCaml's half of a program of Rust's. What `main` does stands in `../src/`. *)

open Lwt.Syntax
open Rust_half
open Rules

let begins, cases =
  match List.tl (Array.to_list Sys.argv) with
  | [ _; begins; "--file"; name ] ->
      let channel = open_in_bin name in
      let case : case = Marshal.from_channel channel in
      close_in channel;
      (begins, [ (0, fun () -> case) ])
  | [ _; begins; "--many"; from; count ] ->
      let case i = (i, fun () -> Generate.case ~last:(fun t -> Hosts (Generate.to_the_end t)) i) in
      (begins, List.init (int_of_string count) (fun i -> case (int_of_string from + i)))
  | _ -> failwith "fuzz-host RUNTIME START --file NAME, or --many FROM COUNT"

let () =
  match begins with
  | "ModuleRaises" -> raise (Perform.planned 0)
  | "ModuleExits" -> exit 3
  | _ ->
      if Sys.getenv_opt "FUZZ_MEMPROF" <> None then Watch.profile ();
      (* OCaml 4 has none. *)
      Perform.workers := (try Some (Rust_async.Domain_pool.create ~domains:1) with Failure _ -> None);
      Lwt.async_exception_hook := Perform.hear

let current = ref { programs = []; last = Returns }
let hosted () = match !current.last with Hosts hosted -> hosted | _ -> failwith "a case without a host"

let allowed i program =
  let hosted = hosted () in
  Model.in_host ~over:(Model.ends_meanwhile hosted.ends) (call_of hosted i) program

let left = ref cases
let env () = Perform.env ()

(* When a third of the cases have run. *)
let before = ref (0, 0)

let next () =
  Watch.of_the_process ();
  let count = List.length cases in
  if List.length !left = count - (count / 3) then before := Watch.memory ();
  match !left with
  | [] ->
      if count >= 300 then Watch.memory_is_flat !before;
      Watch.tell ();
      None
  | (number, case) :: rest ->
      let case = case () in
      left := rest;
      current := case;
      Perform.forget ();
      Watch.say "case %d" number;
      let seen i program = Array.of_list (List.map Model.seen (allowed i program)) in
      let runs = Array.of_list case.programs in
      let hosted = hosted () in
      Some { runs; allowed = Array.mapi seen runs; over_at_once = Model.is_over_at_once hosted.ends; hosted }

let check () =
  let look i program =
    let ended = try Ok (Hosted.ending i) with exn -> Error exn in
    Watch.check (Model.at_the_border (allowed i program)) ended
  in
  List.iteri look !current.programs;
  let checks () =
    let+ () = Watch.until_nothing_is_left (Unix.gettimeofday ()) in
    Hosted.checked (Array.of_list (List.sort_uniq compare !Perform.problems))
  in
  Lwt.async checks

(* What was said to be written is, and is there at the end. Rust may be gone by then. Where another thread calls [exit], its hooks run
   while Lwt goes on: so a journal that has been closed takes nothing more. *)
let journal = ref 0

let closed = ref false
let lock = Mutex.create ()

let locked f =
  Mutex.lock lock;
  Fun.protect f ~finally:(fun () -> Mutex.unlock lock)

let write number =
  let+ () = Lwt.pause () in
  locked (fun () ->
      if !closed then failwith "the journal is closed";
      incr journal;
      if number <> !journal then Perform.problem "number %d is written as number %d" number !journal)

let close () =
  closed := true;
  Watch.say "journal %d" !journal

let () = at_exit (fun () -> locked close)
let never () = fst (Lwt.wait ())

let leave_the_loop () =
  let hook = ref None in
  let once () =
    Option.iter Lwt_main.Enter_iter_hooks.remove !hook;
    raise (Perform.planned 0)
  in
  hook := Some (Lwt_main.Enter_iter_hooks.add_first once)

let compute () =
  let until = Unix.gettimeofday () +. 0.05 in
  while Unix.gettimeofday () < until do
    ignore (Sys.opaque_identity (ref 0))
  done

(* OCaml's code does it where Rust calls it. *)
let exit_in plan where =
  let env = Perform.env () in
  let exits _ = exit 7 in
  let env = match where with `Home -> { env with now = exits } | `Thread -> { env with on_a_thread = exits } in
  ignore (at_home plan env : value Lwt.t)

let end_ocaml ends =
  let* () = Lwt.pause () in
  (match ends with
  | OcamlShutsDown -> Rust_async.shutdown ()
  | OcamlExits InAPromise -> exit 7
  | OcamlExits InACallback -> Lwt.on_success (Lwt.pause ()) (fun () -> exit 7)
  | OcamlExits BelowRust -> exit_in (Ocaml (Call, [| Return Nothing |])) `Home
  | OcamlExits WhereItBlocks -> exit_in (Ocaml (OnABlockingThread, [| Return Nothing |])) `Thread
  | OcamlExits OnAnotherThread -> ignore (Thread.create exit 7 : Thread.t)
  | LeavesTheLoop -> leave_the_loop ()
  | ShutsDownInAHurry -> compute ()
  | AllEnd | ShutsDown _ | RuntimeGoes | MainReturns | MainExits | MainPanics -> ());
  never ()

let met_in_ocaml () = Array.of_list (Table.all ())

let () =
  if begins <> "ProvidesNothing" then begin
    Hosted.Cases.provide { env; next; check; met_in_ocaml; write; end_ocaml };
    Hosted.Performs.provide ~name:"of the environment" (env ()).performs
  end
