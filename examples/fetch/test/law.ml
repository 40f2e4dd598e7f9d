(* A test is a law: a name that says what is always so, and a program that shows it, with a server of its own. Every law also shows
   that the server has nothing under way in the end, and that the bridge keeps nothing. *)

open Lwt.Syntax
open Rust_http

(* A proxy would be asked for 127.0.0.1, too. *)
let () = List.iter (fun name -> Unix.putenv name "") [ "http_proxy"; "https_proxy"; "all_proxy"; "HTTP_PROXY"; "HTTPS_PROXY"; "ALL_PROXY" ]

(* Longer than anything takes, on a machine with other work too. *)
let patience = 60.

type server = {
  http : string;  (** The beginning of its URLs. *)
  https : string;
  certificate : string;  (** Of its authority. *)
  client : client;  (** Which trusts it. *)
}

let executable = Sys.getenv "FETCH_SERVER"

let contents path =
  let channel = open_in_bin path in
  Fun.protect
    (fun () -> really_input_string channel (in_channel_length channel))
    ~finally:(fun () -> close_in channel)

let with_temporary f =
  let path = Filename.temp_file "fetch" "" in
  Lwt.finalize
    (fun () -> f path)
    (fun () ->
      Sys.remove path;
      Lwt.return_unit)

(* It ends when nobody has its standard input open any more. *)
let with_server f =
  with_temporary (fun path ->
      let its_input, input = Unix.pipe ~cloexec:true () and output, its_output = Unix.pipe ~cloexec:true () in
      let pid = Unix.create_process executable [| executable; path |] its_input its_output Unix.stderr in
      Unix.close its_input;
      Unix.close its_output;
      let output = Unix.in_channel_of_descr output in
      let http, https =
        Scanf.sscanf (input_line output) "%d %d" (fun http https ->
            (Printf.sprintf "http://127.0.0.1:%d" http, Printf.sprintf "https://127.0.0.1:%d" https))
      in
      let certificate = contents path in
      let client = client ~certificates:[ certificate ] () in
      Lwt.finalize
        (fun () -> f { http; https; certificate; client })
        (fun () ->
          Unix.close input;
          close_in output;
          ignore (Unix.waitpid [] pid);
          Lwt.return_unit))

(* What the server has counted under that name; 0 for what it does not name. *)
let counted { http; client; _ } name =
  let+ counts = call client (http ^ "/counts") read in
  let of_line line = Scanf.sscanf line "%s %d" (fun word count -> if word = name then Some count else None) in
  let lines = List.filter (( <> ) "") (String.split_on_char '\n' counts) in
  Option.value (List.find_map of_line lines) ~default:0

let eventually what read expected =
  let deadline = Unix.gettimeofday () +. patience in
  let rec look () =
    let* seen = read () in
    if seen = expected then Lwt.return_unit
    else if Unix.gettimeofday () > deadline then Alcotest.failf "%s: %d, not %d" what seen expected
    else
      let* () = Lwt_unix.sleep 0.005 in
      look ()
  in
  look ()

let kept () =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects; loans } = Rust_async.stats () in
  tasks + subscriptions + roots + objects + loans

let law name program =
  Alcotest.test_case name `Quick (fun () ->
      let before = kept () in
      Lwt_main.run
        (Lwt_unix.with_timeout (2. *. patience) (fun () ->
             with_server (fun server ->
                 let* () = program server in
                 eventually "under way at the server" (fun () -> counted server "now") 0)));
      Lwt_main.run (eventually "what the bridge keeps" (fun () -> Lwt.return (kept ())) before))

let check_int what expected seen = Alcotest.(check int) what expected seen
let check_string what expected seen = Alcotest.(check string) what expected seen
let check_bool what expected seen = Alcotest.(check bool) what expected seen
let ending program = Lwt.catch (fun () -> Lwt.map Result.ok (program ())) Lwt.return_error

let check_fails what kind program =
  let+ ending = ending program in
  match ending with
  | Error (Failed (failed, _)) when failed = kind -> ()
  | Error exn -> Alcotest.failf "%s: %s" what (Printexc.to_string exn)
  | Ok _ -> Alcotest.failf "%s: it did not fail" what

(* What the server sends. *)
let bytes length = String.init length (fun i -> Char.chr (i mod 251))

(* Hurries: the pauses between tries are not what a law is about. *)
let soon tries = { tries; pause = 0.001 }

let each list law = Lwt_list.iter_s law list
let both { http; https; _ } = [ http; https ]

let server_has_seen_it server = eventually "cancelled" (fun () -> counted server "cancelled") 1

(* A server sees that a client has gone away when it reads. *)
let go server = Lwt.map ignore (call server.client (server.http ^ "/go") read)
