(* 1. A read that was begun is never given up while the stream goes on: its item or its exception would be lost.
   2. What came is in the source, whatever is raised meanwhile: Rust calls again. *)

(* Rust makes it, and knows all fields; the order is that of source.rs. *)
type t = {
  whose : Obj.t Lwt_stream.t;
  mutable get : Obj.t option Lwt.t;  (* the read that was begun, if one was *)
  mutable is_begun : bool;
  mutable got : Obj.t list;  (* the newest first *)
  mutable count : int;
  mutable ready : Obj.t list;  (* for Rust to take *)
  mutable after : Obj.t;  (* what comes after them: [more], [no_more], or the exception *)
  mutable window : int;  (* how many may cross at once *)
}

let more = Obj.repr 0
let no_more = Obj.repr 1

let ended source after =
  source.after <- after;
  source.is_begun <- false

let begin_get source =
  match Lwt_stream.get source.whose with
  | get ->
      source.get <- get;
      source.is_begun <- true
  | exception exn -> ended source (Obj.repr exn)

(* Takes what is there. *)
let rec take source =
  if source.count < source.window && source.after == more then begin
    if not source.is_begun then begin_get source;
    if source.is_begun then
      match Lwt.state source.get with
      | Lwt.Return (Some item) ->
          let got = item :: source.got in
          source.got <- got;
          source.count <- source.count + 1;
          source.is_begun <- false;
          take source
      | Lwt.Return None -> ended source no_more
      | Lwt.Fail exn -> ended source (Obj.repr exn)
      | Lwt.Sleep -> ()
  end

let collect source =
  if source.ready == [] then begin
    take source;
    let ready = List.rev source.got in
    source.ready <- ready;
    source.got <- [];
    source.count <- 0
  end

(* Resolved with the source, which Rust does not keep meanwhile, when there is something to [collect]. *)
let read source window =
  source.window <- window;
  collect source;
  let source_again = Lwt.return source in
  if source.ready == [] && source.after == more then
    let collect_now _ = source_again in
    Lwt.try_bind (fun () -> source.get) collect_now collect_now
  else source_again
