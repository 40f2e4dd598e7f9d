(* How many operations of each kind have begun and ended, in memory that two processes share: the one that runs them, and
   the one that looks whether it still does. A process that hangs cannot say so itself. *)

type t = (int, Bigarray.int_elt, Bigarray.c_layout) Bigarray.Array1.t

let kinds = Array.length Operation.kinds

let at file : t =
  let fd = Unix.openfile file [ O_RDWR ] 0 in
  let size = (2 * kinds) + 1 in
  let array = Bigarray.array1_of_genarray (Unix.map_file fd Bigarray.int Bigarray.c_layout true [| size |]) in
  Unix.close fd;
  array

let add (progress : t) i = progress.{i} <- progress.{i} + 1
let began progress kind = add progress (Operation.index kind)
let ended progress kind = add progress (kinds + Operation.index kind)

(* Something else than an operation has happened. *)
let step progress = add progress (2 * kinds)

let total (progress : t) =
  let sum = ref 0 in
  for i = 0 to Bigarray.Array1.dim progress - 1 do
    sum := !sum + progress.{i}
  done;
  !sum

let in_flight (progress : t) =
  List.filter_map
    (fun kind ->
      let i = Operation.index kind in
      let n = progress.{i} - progress.{kinds + i} in
      if n = 0 then None else Some (Printf.sprintf "%s %d" (Operation.name kind) n))
    (Array.to_list Operation.kinds)
  |> String.concat ", "

(* What each thread of a process is doing, where there is a debugger. *)
let print_stacks pid =
  if Sys.command "command -v gdb >/dev/null" = 0 then
    let attach = Printf.sprintf "gdb -p %d -batch -ex 'thread apply all bt 40'" pid in
    ignore (Sys.command (attach ^ " 2>&1 | grep '^#\\|^Thread' >&2") : int)

(* Waits for the process; one in which nothing happens for so many seconds is ended. *)
let watch progress pid ~patience =
  let rec look seen since =
    match Unix.waitpid [ WNOHANG ] pid with
    | 0, _ ->
        let now = Unix.gettimeofday () and total = total progress in
        if total <> seen then wait total now
        else if now -. since > patience then begin
          Printf.eprintf "HANGS: nothing has happened for %g s; in flight: %s\n%!" patience (in_flight progress);
          print_stacks pid;
          Unix.kill pid Sys.sigkill;
          ignore (Unix.waitpid [] pid);
          1
        end
        else wait seen since
    | _, WEXITED status -> status
    | _, (WSIGNALED n | WSTOPPED n) ->
        Printf.eprintf "KILLED by signal %d; in flight: %s\n%!" n (in_flight progress);
        1
  and wait seen since =
    Unix.sleepf 0.1;
    look seen since
  in
  look (-1) (Unix.gettimeofday ())
