open Lwt.Syntax
open Rust_http
open Law

exception Spoilt

(* {1 Bodies} *)

let body_comes_as_it_was_sent server =
  each (both server) (fun url ->
      each [ 0; 1; 65536; 1_000_000 ] (fun length ->
          let+ body =
            call server.client (Printf.sprintf "%s/bytes/%d" url length) (fun response ->
                check_int "status" 200 response.status;
                check_bool "length" true (response.length = Some length);
                check_string "header" (string_of_int length) (List.assoc "content-length" response.headers);
                read response)
          in
          check_bool "body" true (body = bytes length)))

let body_goes_as_it_is server =
  let echo url body = call ~meth:Put ~body server.client (url ^ "/echo") read in
  each (both server) (fun url ->
      each [ 0; 1; 65537; 1_000_000 ] (fun length ->
          let expected = bytes length in
          let* seen = echo url (of_string expected) in
          check_bool "string" true (seen = expected);
          with_temporary (fun path ->
              let* () = Lwt_io.with_file ~mode:Lwt_io.Output path (fun channel -> Lwt_io.write channel expected) in
              let* seen = echo url (of_file path) in
              check_bool "file" true (seen = expected);
              Lwt_io.with_file ~mode:Lwt_io.Input path (fun channel ->
                  let+ seen = echo url (of_stream (fun () -> of_channel channel)) in
                  check_bool "channel" true (seen = expected)))))

let download_is_a_stream_for_an_upload server =
  let* seen = Example.mirror server.client (server.http ^ "/bytes/1000000") (server.https ^ "/echo") in
  check_bool "body" true (seen = bytes 1_000_000);
  (* What breaks off there breaks off here, and is tried again. *)
  let* seen = Example.mirror server.client (server.http ^ "/torn/1/1000000") (server.https ^ "/echo") in
  check_bool "body" true (seen = bytes 1_000_000);
  let* requests = counted server "/torn/1/1000000" in
  check_int "requests" 2 requests;
  let* page = Example.page server.client (server.https ^ "/bytes/2") in
  check_bool "page" true (page = Some "\000\001");
  let+ none = Example.page server.client (server.https ^ "/nowhere") in
  check_bool "no page" true (none = None)

(* {1 What goes wrong} *)

let certificate_that_is_not_trusted_is_refused_as_tls server =
  with_server (fun other ->
      let get url client = call ~retry:(soon 3) client (url ^ "/bytes/1") read in
      let* () = check_fails "another authority" Tls (fun () -> get server.https other.client) in
      let by_name = "https://localhost" ^ String.sub server.https 17 (String.length server.https - 17) in
      let* () = check_fails "another name" Tls (fun () -> get by_name server.client) in
      let* () = check_fails "no TLS" Tls (fun () -> get ("https" ^ String.sub server.http 4 (String.length server.http - 4)) server.client) in
      let* requests = counted server "/bytes/1" in
      check_int "requests" 0 requests;
      (* Both are trusted, each in its own way. *)
      let both = client ~certificates:[ other.certificate; server.certificate ] () in
      let+ answers = Lwt_list.map_s (fun { https; _ } -> get https both) [ server; other ] in
      check_bool "answers" true (answers = [ "\000"; "\000" ]))

let server_that_is_not_there_is_connect _ =
  (* A port that was free a moment ago. *)
  let socket = Unix.socket Unix.PF_INET Unix.SOCK_STREAM 0 in
  Unix.bind socket (Unix.ADDR_INET (Unix.inet_addr_loopback, 0));
  let port = match Unix.getsockname socket with Unix.ADDR_INET (_, port) -> port | _ -> assert false in
  Lwt.finalize
    (fun () ->
      with_server (fun { client; _ } ->
          check_fails "not listening" Connect (fun () ->
              call ~retry:(soon 2) client (Printf.sprintf "http://127.0.0.1:%d/" port) read)))
    (fun () ->
      Unix.close socket;
      Lwt.return_unit)

let what_is_no_request_is_refused_as_request server =
  let refused ?headers what url = check_fails what Request (fun () -> call ?headers server.client url read) in
  let* () = refused "nonsense" "nonsense" in
  let* () = refused "another scheme" "ftp://127.0.0.1/" in
  let* () = refused "header" ~headers:[ ("a", "b\r\nc: d") ] (server.http ^ "/bytes/1") in
  let none () = Lwt.return (client ~certificates:[ "nonsense" ] ()) in
  check_fails "certificate" Request none

let status_is_an_error_and_tried_again_if_it_may_pass server =
  each
    [ (404, 1); (400, 1); (501, 1); (503, 3); (429, 3) ]
    (fun (status, tries) ->
      let path = Printf.sprintf "/status/%d" status in
      let* () = check_fails path (Status status) (fun () -> call ~retry:(soon 3) server.client (server.http ^ path) read) in
      let+ requests = counted server path in
      check_int path tries requests)

(* {1 Tries} *)

let tries_are_counted_by_the_server server =
  let get ?meth tries path = call ?meth ~retry:(soon tries) server.client (server.http ^ path) read in
  let check path expected =
    let+ requests = counted server path in
    check_int path expected requests
  in
  let* answer = get 3 "/flaky/2/a" in
  check_string "at last" "at last" answer;
  let* () = check "/flaky/2/a" 3 in
  let* () = check_fails "too few" (Status 503) (fun () -> get 2 "/flaky/2/b") in
  let* () = check "/flaky/2/b" 2 in
  let* () = check_fails "not idempotent" (Status 503) (fun () -> get ~meth:Post 3 "/flaky/2/c") in
  let* () = check "/flaky/2/c" 1 in
  let* body = get 3 "/torn/2/1000000" in
  check_bool "whole at last" true (body = bytes 1_000_000);
  let* () = check "/torn/2/1000000" 3 in
  let* () = check_fails "torn" Body (fun () -> get 1 "/torn/1/1000") in
  check "/torn/1/1000" 1

let pauses_double server =
  let began = Unix.gettimeofday () in
  let+ _ = call ~retry:{ tries = 4; pause = 0.1 } server.client (server.http ^ "/flaky/3/") read in
  (* 0.1, 0.2, 0.4, each shortened by a half at most. *)
  check_bool "long enough" true (Unix.gettimeofday () -. began >= 0.35)

let upload_begins_anew_with_each_try server =
  with_temporary (fun path ->
      let* () = Lwt_io.with_file ~mode:Lwt_io.Output path (fun channel -> Lwt_io.write channel (bytes 300_000)) in
      let opened = ref 0 and closed = ref 0 in
      let close () =
        incr closed;
        Lwt.return_unit
      in
      let make () =
        incr opened;
        Lwt_stream.of_list [ bytes 70_000; bytes 100 ]
      in
      let* _ = call ~meth:Put ~body:(of_stream ~close make) ~retry:(soon 3) server.client (server.http ^ "/flaky/2/") read in
      check_int "opened" 3 !opened;
      check_int "closed" 3 !closed;
      let+ count = call ~meth:Put ~body:(of_file path) ~retry:(soon 3) server.client (server.http ^ "/count") read in
      check_string "count" "300000" count)

(* Whether a server hears of a try that has little time is up to the machine. Each takes a body, which tells. *)
let timeout_is_of_each_try server =
  let tries = ref 0 in
  let make () =
    incr tries;
    Lwt_stream.of_list [ "a body" ]
  in
  let* () =
    check_fails "no answer" Timeout (fun () ->
        call ~meth:Put ~body:(of_stream make) ~timeout:0.05 ~retry:(soon 3) server.client (server.http ^ "/hang") read)
  in
  check_int "tries" 3 !tries;
  let* () =
    check_fails "half a body" Timeout (fun () ->
        call ~timeout:0.5 ~retry:once server.client (server.http ^ "/half/1000") read)
  in
  let* requests = Lwt_list.map_s (counted server) [ "/hang"; "/half/1000" ] in
  eventually "cancelled" (fun () -> counted server "cancelled") (List.fold_left ( + ) 0 requests)

(* {1 Cancellation} *)

let cancelled server program =
  let promise = program () in
  let* () = eventually "under way" (fun () -> counted server "now") 1 in
  Lwt.cancel promise;
  let+ ending = ending (fun () -> promise) in
  check_bool "it is cancelled" true (ending = Error Lwt.Canceled)

let cancelled_call_closes_its_connection server =
  let* () = cancelled server (fun () -> call server.client (server.https ^ "/hang") read) in
  server_has_seen_it server

let cancelled_reader_closes_its_connection server =
  let* () = cancelled server (fun () -> call server.client (server.https ^ "/half/1000000") read) in
  server_has_seen_it server

let cancelled_upload_closes_its_connection server =
  let body = of_stream (fun () -> Lwt_stream.from_direct (fun () -> Some (bytes 65536))) in
  let* () = cancelled server (fun () -> call ~meth:Put ~body server.client (server.https ^ "/stuck") read) in
  let* () = go server in
  server_has_seen_it server

let reader_that_has_enough_closes_its_connection server =
  let* chunk = call server.client (server.http ^ "/half/1000000") (fun { body; _ } -> Lwt_stream.next body) in
  check_bool "a chunk" true (chunk <> "");
  server_has_seen_it server

let exception_of_the_reader_comes_out server =
  let sent = Failure "enough" in
  let* ending = ending (fun () -> call server.client (server.http ^ "/half/1000000") (fun _ -> Lwt.fail sent)) in
  check_bool "the same" true (match ending with Error exn -> exn == sent | Ok _ -> false);
  server_has_seen_it server

(* {1 An upload whose stream raises} *)

let exception_of_an_upload_comes_back (name, raises) =
  law ("exception_of_an_upload_comes_back/" ^ name) (fun server ->
      each (both server) (fun url ->
          let begun = ref 0 in
          let make () =
            let chunks = ref 0 in
            incr begun;
            Lwt_stream.from (fun () ->
                incr chunks;
                if !chunks <= 20 then Lwt.return_some (bytes 65536) else raises ())
          in
          let+ ending = ending (fun () -> call ~meth:Put ~body:(of_stream make) server.client (url ^ "/count") read) in
          (match ending with
          | Error Spoilt -> ()
          | Error exn -> Alcotest.failf "%s: %s" name (Printexc.to_string exn)
          | Ok _ -> Alcotest.fail "it was answered");
          check_int "it is not tried again" 1 !begun))

let upload_raises =
  [
    ("raised", fun () -> raise Spoilt);
    ("rejected", fun () -> Lwt.fail Spoilt);
    ("rejected_later", fun () -> Lwt.bind (Lwt_unix.sleep 0.001) (fun () -> Lwt.fail Spoilt));
  ]

let contains ~part text =
  let n = String.length part in
  let rec look i = i + n <= String.length text && (String.sub text i n = part || look (i + 1)) in
  look 0

let exception_of_an_upload_is_the_same server =
  Printexc.record_backtrace true;
  let sent = Failure "deep" in
  let rec deep n : string = if n = 0 then raise sent else deep (n - 1) ^ "!" in
  let line = Printf.sprintf "test_fetch.ml\", line %d" (__LINE__ - 1) in
  let make () = Lwt_stream.from (fun () -> Lwt.return_some (deep 3)) in
  Lwt.catch
    (fun () ->
      let* _ = call ~meth:Put ~body:(of_stream make) ~retry:once server.client (server.https ^ "/count") read in
      Alcotest.fail "it was answered")
    (fun exn ->
      let backtrace = Printexc.get_backtrace () in
      check_bool (Printexc.to_string exn) true (exn == sent);
      check_bool backtrace true (contains ~part:line backtrace);
      Lwt.return_unit)

(* {1 Files} *)

let with_folder f =
  let folder = Filename.temp_file "fetch" "" in
  Sys.remove folder;
  Unix.mkdir folder 0o700;
  let remove () =
    Array.iter (fun name -> Sys.remove (Filename.concat folder name)) (Sys.readdir folder);
    Unix.rmdir folder;
    Lwt.return_unit
  in
  Lwt.finalize (fun () -> f folder (Filename.concat folder "file")) remove

let file_is_whole_or_not_there server =
  with_folder (fun folder path ->
      let there () = String.concat " " (List.sort compare (Array.to_list (Sys.readdir folder))) in
      let save ?progress ?(tries = 1) url = save ?progress ~retry:(soon tries) server.client (server.http ^ url) path in
      let* () = check_fails "torn" Body (fun () -> save "/torn/1/1000000") in
      check_string "files" "" (there ());
      let* () = check_fails "not there" (Status 404) (fun () -> save "/nowhere") in
      check_string "files" "" (there ());
      let seen = ref [] in
      let progress ~got ~length = seen := (got, length) :: !seen in
      let* () = save ~progress ~tries:2 "/torn/1/1000001" in
      check_string "files" "file" (there ());
      check_bool "whole" true (contents path = bytes 1_000_001);
      check_bool "progress" true (List.hd !seen = (1_000_001, Some 1_000_001));
      check_int "begun" 2 (List.length (List.filter (( = ) (0, Some 1_000_001)) !seen));
      (* The one that was there stays until another one is whole. *)
      let half = save "/half/1000000" in
      let size () = try (Unix.stat (path ^ ".part")).st_size with Unix.Unix_error (ENOENT, _, _) -> 0 in
      let* () = eventually "some of it is there" (fun () -> Lwt.return (Bool.to_int (size () > 0))) 1 in
      check_string "files" "file file.part" (there ());
      Lwt.cancel half;
      let* ending = ending (fun () -> half) in
      check_bool "cancelled" true (ending = Error Lwt.Canceled);
      check_string "files" "file" (there ());
      check_bool "whole" true (contents path = bytes 1_000_001);
      server_has_seen_it server)

let () =
  let laws = List.map (fun (name, program) -> law name program) in
  Alcotest.run "fetch"
    [
      ( "bodies",
        laws
          [
            ("body_comes_as_it_was_sent", body_comes_as_it_was_sent);
            ("body_goes_as_it_is", body_goes_as_it_is);
            ("download_is_a_stream_for_an_upload", download_is_a_stream_for_an_upload);
          ] );
      ( "errors",
        laws
          [
            ("certificate_that_is_not_trusted_is_refused_as_tls", certificate_that_is_not_trusted_is_refused_as_tls);
            ("server_that_is_not_there_is_connect", server_that_is_not_there_is_connect);
            ("what_is_no_request_is_refused_as_request", what_is_no_request_is_refused_as_request);
            ("status_is_an_error_and_tried_again_if_it_may_pass", status_is_an_error_and_tried_again_if_it_may_pass);
          ] );
      ( "tries",
        laws
          [
            ("tries_are_counted_by_the_server", tries_are_counted_by_the_server);
            ("pauses_double", pauses_double);
            ("upload_begins_anew_with_each_try", upload_begins_anew_with_each_try);
            ("timeout_is_of_each_try", timeout_is_of_each_try);
          ] );
      ( "cancellation",
        laws
          [
            ("cancelled_call_closes_its_connection", cancelled_call_closes_its_connection);
            ("cancelled_reader_closes_its_connection", cancelled_reader_closes_its_connection);
            ("cancelled_upload_closes_its_connection", cancelled_upload_closes_its_connection);
            ("reader_that_has_enough_closes_its_connection", reader_that_has_enough_closes_its_connection);
            ("exception_of_the_reader_comes_out", exception_of_the_reader_comes_out);
          ] );
      ( "exceptions of uploads",
        List.map exception_of_an_upload_comes_back upload_raises
        @ laws [ ("exception_of_an_upload_is_the_same_and_has_its_backtrace", exception_of_an_upload_is_the_same) ] );
      ("memory", laws Memory_laws.laws);
      ("files", laws [ ("file_is_whole_or_not_there", file_is_whole_or_not_there) ]);
    ]
