(* Rust knows a pool by its number, which is the first field. *)
type t = { number : int; domains : Domains.t array; mutable ended : unit Lwt.t option }

external pool_create : int -> int = "ocaml_lwt_interop_pool_create"
external pool_start : int -> int -> unit = "ocaml_lwt_interop_pool_start" [@@noalloc]
external pool_serve : (unit -> unit) -> unit = "ocaml_lwt_interop_pool_serve"
external pool_turn : unit -> bool = "ocaml_lwt_interop_pool_turn"
external pool_gone : int -> int -> unit = "ocaml_lwt_interop_pool_gone" [@@noalloc]
external pool_close : int -> bool -> unit Lwt.t = "ocaml_lwt_interop_pool_close"
external pool_forget : int -> unit = "ocaml_lwt_interop_pool_forget" [@@noalloc]
external pool_detach : t -> (unit -> 'a) -> 'a Lwt.t = "ocaml_lwt_interop_pool_detach"

(* What comes between two turns is a finaliser's exception, a signal handler's, or the memory's end. More of them may come
   at any point after it, where no handler is: Rust calls this again until it returns. *)
let turns () =
  try
    while pool_turn () do
      ()
    done
  with exn ->
    (try Printf.eprintf "Rust_async.Domain_pool: a worker domain goes on after %s\n%!" (Printexc.to_string exn)
     with _ -> ());
    raise exn

let worker number index () =
  pool_start number index;
  pool_serve turns

let shutdown ?(cancel = false) pool =
  let left = pool_close pool.number cancel in
  match (pool.ended, Lwt.state left) with
  | Some ended, _ -> ended
  | None, Lwt.Fail _ -> left
  | None, _ ->
      let join () =
        let raised = List.filter_map Domains.join (Array.to_list pool.domains) in
        pool_forget pool.number;
        match raised with [] -> () | exn :: _ -> raise exn
      in
      let ended = Lwt.no_cancel (Lwt.map join left) in
      pool.ended <- Some ended;
      ended

let create ~domains =
  if not Domains.available then
    failwith
      "Rust_async.Domain_pool.create needs OCaml 5: on OCaml 4 one domain runs all OCaml code, so nothing would run in \
       parallel; use Lwt_preemptive.detach for what blocks";
  if domains < 1 || domains > Domains.most then
    invalid_arg (Printf.sprintf "Rust_async.Domain_pool.create: %d domains, not 1 to %d" domains Domains.most);
  let spawned = ref [] in
  let number = pool_create domains in
  let pool () = { number; domains = Array.of_list !spawned; ended = None } in
  try
    (* A domain begins with the signals of this thread, and blocks them a moment later. *)
    Executor.without_signals (fun () ->
        for index = 0 to domains - 1 do
          spawned := Domains.spawn (worker number index) :: !spawned
        done);
    pool ()
  with exn ->
    (* The system's, or a signal handler's. *)
    for missing = List.length !spawned to domains - 1 do
      pool_gone number missing
    done;
    Lwt.dont_wait (fun () -> shutdown (pool ())) ignore;
    raise exn

let detach pool f x = pool_detach pool (fun () -> f x)

let await promise =
  match Lwt.state promise with
  | Lwt.Return value -> value
  | Lwt.Fail exn -> raise exn
  | Lwt.Sleep ->
      Errors.refuse
        "Rust_async.Domain_pool.await was called with a pending promise, which Lwt's loop would have to resolve: bind it \
         where Lwt runs; on a worker domain, await promises of Rust functions that are called there"
