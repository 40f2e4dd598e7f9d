(* The progress bar on stderr, if that is a terminal. *)

type t = {
  terminal : bool;
  lock : Lwt_mutex.t;  (** Held while it is written. *)
  started : float;
  mutable visible : bool;
  mutable drawn : float;  (** When it was drawn last. *)
  mutable complete : bool;  (** All files have been found. *)
  mutable files_found : int;
  mutable bytes_found : int;
  mutable files : int;
  mutable bytes : int;
}

let create () =
  {
    terminal = Unix.isatty Unix.stderr;
    lock = Lwt_mutex.create ();
    started = Unix.gettimeofday ();
    visible = false;
    drawn = 0.;
    complete = false;
    files_found = 0;
    bytes_found = 0;
    files = 0;
    bytes = 0;
  }

let interval = 0.1
let columns = 78
let megabytes bytes = float bytes /. 1e6

let text t now =
  let width = 20 in
  let share = if t.bytes_found = 0 then 0. else Float.min 1. (float t.bytes /. float t.bytes_found) in
  let full = int_of_float (share *. float width) in
  (* While the folders are being walked, there is more to come. *)
  let more = if t.complete then "" else "+" in
  let line =
    Printf.sprintf "[%s%s] %d/%d%s files, %.1f/%.1f%s MB, %.0f MB/s" (String.make full '#')
      (String.make (width - full) '-')
      t.files t.files_found more (megabytes t.bytes) (megabytes t.bytes_found) more
      (megabytes t.bytes /. Float.max 0.001 (now -. t.started))
  in
  Printf.sprintf "\r%-*s" columns (String.sub line 0 (min columns (String.length line)))

(* A terminal that has gone is no reason to stop. *)
let write text =
  Lwt.catch
    (fun () -> Lwt.map ignore (Lwt_unix.write_string Lwt_unix.stderr text 0 (String.length text) : int Lwt.t))
    (function Unix.Unix_error _ -> Lwt.return_unit | exn -> Lwt.fail exn)

(* [progress t bytes]: so many more were hashed. Fulfilled when the bar is drawn, if it is time to. *)
let progress t bytes =
  t.bytes <- t.bytes + bytes;
  let now = Unix.gettimeofday () in
  if (not t.terminal) || now -. t.drawn < interval || Lwt_mutex.is_locked t.lock then Lwt.return_unit
  else begin
    t.drawn <- now;
    Lwt_mutex.with_lock t.lock (fun () ->
        t.visible <- true;
        write (text t now))
  end

let found t size =
  t.files_found <- t.files_found + 1;
  t.bytes_found <- t.bytes_found + size

let all_found t = t.complete <- true
let finished t = t.files <- t.files + 1

let erased t =
  if not t.visible then ""
  else begin
    t.visible <- false;
    Printf.sprintf "\r%*s\r" columns ""
  end

(* [print t text] writes to stderr, in the place of the bar, which is drawn again with the next progress. *)
let print t text =
  Lwt_mutex.with_lock t.lock (fun () ->
      let text = erased t ^ text in
      if text = "" then Lwt.return_unit else write text)

(* [hide t] makes room for other lines on the terminal. *)
let hide t = print t ""
