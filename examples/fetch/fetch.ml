(* fetch [OPTION…] URL…: downloads. fetch [OPTION…] --put FILE URL: uploads. *)

open Lwt.Syntax
open Rust_http

let usage =
  {|usage: fetch [OPTION…] URL…
       fetch [OPTION…] --put FILE URL

  URL…                downloads each into a file, which is called like the last part of the URL
  --put FILE          uploads FILE, and prints the answer; `-` is the standard input, which is sent only once

  --into FOLDER       where the files go (default: .)
  --at-a-time N       at most so many downloads at a time (default: 4)
  --tries N           at most so many tries for each (default: 5)
  --timeout SECONDS   for each try (default: none)
  --trust FILE        trusts the certificates in FILE, in PEM, instead of the system's

Exit status: 0, or 1 when something went wrong, 2 when the command line is wrong, 130 after Ctrl-C.|}

(* {1 The bar} *)

(* What there is of each file, and how long it is, if that is known. *)
let files : (string, int * int option) Hashtbl.t = Hashtbl.create 16
let terminal = Unix.isatty Unix.stderr
let drawn = ref 0.
let erase () = if terminal && !drawn > 0. then Printf.eprintf "\r%60s\r%!" ""
let mega bytes = float_of_int bytes /. 1e6

let draw ~done_ ~all =
  let add _ (got, length) (sum, whole) =
    (sum + got, match (length, whole) with Some length, Some whole -> Some (whole + length) | _ -> None)
  in
  let got, whole = Hashtbl.fold add files (0, Some 0) in
  let bar =
    match whole with
    | Some whole when whole > 0 ->
        let full = min 20 (20 * got / whole) in
        Printf.sprintf "[%s%s] " (String.make full '#') (String.make (20 - full) '-')
    | _ -> ""
  in
  Printf.eprintf "\r%s%d/%d files, %.1f MB  %!" bar done_ all (mega got)

let progress ~done_ ~all path ~got ~length =
  Hashtbl.replace files path (got, length);
  if terminal && Unix.gettimeofday () -. !drawn > 0.1 then begin
    drawn := Unix.gettimeofday ();
    draw ~done_ ~all
  end

(* {1 The work} *)

let say text =
  erase ();
  prerr_endline ("fetch: " ^ text)

(* What can be expected to go wrong. Anything else ends the program. *)
let explain = function
  | Failed (_, text) | Sys_error text | Failure text -> Some text
  | Unix.Unix_error (error, _, path) -> Some (Printf.sprintf "%s: %s" path (Unix.error_message error))
  | _ -> None

let tolerant what work =
  Lwt.catch
    (fun () -> Lwt.map (fun () -> true) (work ()))
    (fun exn ->
      match explain exn with
      | Some text ->
          say (Printf.sprintf "%s: %s" what text);
          Lwt.return false
      | None -> Lwt.fail exn)

(* So many workers, each of which takes the next URL. *)
let download client ~at_a_time ?timeout ~retry targets =
  let all = List.length targets and done_ = ref 0 and failed = ref 0 in
  let left = Queue.of_seq (List.to_seq targets) in
  let rec worker () =
    match Queue.take_opt left with
    | None -> Lwt.return_unit
    | Some (url, path) ->
        let progress = progress ~done_:!done_ ~all path in
        let* ok = tolerant url (fun () -> save ~progress ?timeout ~retry client url path) in
        incr (if ok then done_ else failed);
        worker ()
  in
  let+ () = Lwt.join (List.init at_a_time (fun _ -> worker ())) in
  let bytes = Hashtbl.fold (fun _ (got, _) sum -> sum + got) files 0 in
  erase ();
  Printf.printf "%d of %d files, %.1f MB\n%!" !done_ all (mega bytes);
  if !failed = 0 then 0 else 1

let upload client ?timeout ~retry file url =
  let body, retry =
    if file = "-" then (of_stream (fun () -> of_channel Lwt_io.stdin), once) else (of_file file, retry)
  in
  let+ ok =
    tolerant url (fun () ->
        call ~meth:Put ~body ?timeout ~retry client url (fun response ->
            Lwt.map print_endline (read response)))
  in
  if ok then 0 else 1

(* {1 How it ends} *)

let interrupted () =
  let promise, interrupt = Lwt.wait () in
  let on_signal _ = if Lwt.is_sleeping promise then Lwt.wakeup_later interrupt () in
  ignore (Lwt_unix.on_signal Sys.sigint on_signal : Lwt_unix.signal_handler_id);
  promise

(* Again and again: what opens a file just now cannot be cancelled, and would go on. *)
let rec cancel work =
  Lwt.cancel work;
  if Lwt.is_sleeping work then Lwt.bind (Lwt_unix.sleep 0.01) (fun () -> cancel work) else Lwt.return_unit

(* After Ctrl-C, it is waited for what is cancelled: files that are not whole are removed. *)
let main work =
  let work = work () in
  let* status = Lwt.choose [ Lwt.map Option.some work; Lwt.map (fun () -> None) (interrupted ()) ] in
  match status with
  | Some status -> Lwt.return status
  | None ->
      let+ () = cancel work in
      say "interrupted";
      130

(* {1 The command line} *)

(* The last part of the URL's path. *)
let name url =
  let path = List.hd (String.split_on_char '?' (List.hd (String.split_on_char '#' url))) in
  match List.rev (String.split_on_char '/' path) with
  | ("" | "." | "..") :: _ | [ _ ] | [ _; _ ] | [ _; ""; _ ] -> None
  | name :: _ -> Some name
  | [] -> None

let targets folder urls =
  let named = List.map (fun url -> (url, Option.map (Filename.concat folder) (name url))) urls in
  let taken = Hashtbl.create 16 in
  List.map
    (function
      | url, None -> failwith ("no name for a file: " ^ url)
      | _, Some path when Hashtbl.mem taken path -> failwith ("two files of one name: " ^ path)
      | url, Some path ->
          Hashtbl.add taken path ();
          (url, path))
    named

let contents path =
  let channel = open_in_bin path in
  Fun.protect
    (fun () -> really_input_string channel (in_channel_length channel))
    ~finally:(fun () -> close_in channel)

let () =
  let into = ref "." and at_a_time = ref 4 and tries = ref 5 and timeout = ref infinity in
  let trust = ref None and put = ref None and urls = ref [] in
  let options =
    [
      ("--into", Arg.Set_string into, "");
      ("--at-a-time", Arg.Set_int at_a_time, "");
      ("--tries", Arg.Set_int tries, "");
      ("--timeout", Arg.Set_float timeout, "");
      ("--trust", Arg.String (fun file -> trust := Some file), "");
      ("--put", Arg.String (fun file -> put := Some file), "");
    ]
  in
  let wrong () =
    prerr_endline usage;
    exit 2
  in
  (match Arg.parse_argv Sys.argv options (fun url -> urls := url :: !urls) usage with
  | () -> ()
  | exception Arg.Help _ ->
      print_endline usage;
      exit 0
  | exception Arg.Bad _ -> wrong ());
  if !at_a_time < 1 || !tries < 1 || not (!timeout > 0.) then wrong ();
  Random.self_init ();
  (* As Rust's programs do: a connection that is closed is an error, and not the end. *)
  Sys.set_signal Sys.sigpipe Sys.Signal_ignore;
  let timeout = if !timeout = infinity then None else Some !timeout in
  let retry = { retry with tries = !tries } in
  match
    let certificates = Option.map (fun file -> [ contents file ]) !trust in
    let client = client ?certificates () in
    match (!put, List.rev !urls) with
    | Some file, [ url ] -> fun () -> upload client ?timeout ~retry file url
    | None, (_ :: _ as urls) ->
        let targets = targets !into urls in
        fun () -> download client ~at_a_time:!at_a_time ?timeout ~retry targets
    | _ -> wrong ()
  with
  | work -> exit (Lwt_main.run (main work))
  | exception exn -> (
      match explain exn with
      | Some text ->
          say text;
          exit 1
      | None -> raise exn)
