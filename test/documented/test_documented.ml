(* Runs each example of the documentation. All declarations are in [Everything]. *)

open Lwt.Syntax
open Everything

let int what expected seen = Alcotest.(check int) what expected seen
let text what expected seen = Alcotest.(check string) what expected seen
let yes what seen = Alcotest.(check bool) what true seen

(* The example that has this function, and what it does. *)
let run name body = (name, fun () -> Lwt_main.run (Lwt_unix.with_timeout 60. body))
let run_now name body = (name, body)

let gives name expected body =
  run name (fun () ->
      let* seen = body () in
      int name expected seen;
      Lwt.return_unit)

let gives_text name expected body =
  run name (fun () ->
      let* seen = body () in
      text name expected seen;
      Lwt.return_unit)

(* [Lwt_result.catch] takes a function from Lwt 5.9 on. *)
let result promise = Lwt.try_bind (fun () -> promise) Lwt.return_ok Lwt.return_error

(* A promise that a future is dropped with is cancelled in the next tick at the latest. *)
let is_cancelled promise =
  let* ended = result promise in
  Alcotest.(check bool) "it is cancelled" true (ended = Error Lwt.Canceled);
  Lwt.return_unit

(* OCaml 4 has no worker domains. *)
let with_pool body =
  match Rust_async.Domain_pool.create ~domains:1 with
  | pool -> Lwt.finalize (fun () -> body pool) (fun () -> Rust_async.Domain_pool.shutdown pool)
  | exception Failure _ when Sys.ocaml_version < "5" -> Lwt.return_unit

let path = Filename.temp_file "documented" ".txt"

let () =
  let channel = open_out_bin path in
  output_string channel "one\ntwo\n";
  close_out channel;
  at_exit (fun () -> Sys.remove path)

let one () = Lwt.return 1
let never () = fst (Lwt.task ())
let plus_one n = n + 1
let square n = n * n

(* A server that says so to whom connects first. *)
let saying said body =
  let path = Filename.temp_file "documented" ".socket" in
  Sys.remove path;
  let server address = Lwt_io.establish_server_with_client_address address (fun _ (_, output) ->
        let* () = Lwt_io.write output said in
        Lwt_io.flush output)
  in
  let* server = server (Unix.ADDR_UNIX path) in
  Lwt.finalize (fun () -> body path) (fun () -> Lwt_io.shutdown_server server)

let of_the_crate =
  [
    run "create" (fun () ->
        let* log = Log.create path in
        let* () = Log.write log "one\ntwo\n" in
        Log.close log;
        let* written = read_file path in
        text "create" "one\ntwo\n" written;
        Lwt.return_unit);
    run "counters" (fun () ->
        let* made = counters 3 in
        int "counters" 3 (Array.length made);
        Array.iter Counter.close made;
        Lwt.return_unit);
    run_now "label" (fun () ->
        let a = label "a" in
        yes "it is among them" (is_labelled a [| label "b"; a |]);
        yes "another of that text is not" (not (is_labelled a [| label "a" |])));
    run "receive" (fun () ->
        let buffer = Lwt_bytes.create 10 in
        let* length = saying "five!" (fun path -> receive path buffer) in
        text "receive" "five!" (Lwt_bytes.to_string (Lwt_bytes.proxy buffer 0 length));
        let* all = read_all path in
        text "read_all" "one\ntwo\n" (Lwt_bytes.to_string all);
        Lwt.return_unit);
    gives "add" 3 (fun () -> add 1 2);
    run "wait_for" (fun () -> wait_for 1);
    gives_text "read_file" "one\ntwo\n" (fun () -> read_file path);
    gives_text "retry" "attempt 2" (fun () ->
        retry (fun attempt ->
            if attempt < 2 then raise (Unix.Unix_error (EAGAIN, "", ""))
            else Lwt.return (Printf.sprintf "attempt %d" attempt)));
    gives "from_a_worker" 1 (fun () -> from_a_worker one);
    run "on_a_worker" (fun () ->
        let* seen = on_a_worker one in
        int "a future on Tokio's workers" 1 seen;
        let* seen = read_bytes path in
        text "a function on Tokio's blocking pool" "one\ntwo\n" seen;
        Lwt.return_unit);
    gives "count_lines" 3 (fun () ->
        count_lines (fun file -> file ^ "\n\n") (fun text -> List.length (String.split_on_char '\n' text)));
    run "at_most_a_second" (fun () ->
        let* soon = at_most_a_second one in
        yes "what is ready" (soon = Some 1);
        let waits, _ = Lwt.task () in
        let* late = at_most_a_second (fun () -> waits) in
        yes "what is late" (late = None);
        is_cancelled waits);
    run "uppercase" (fun () ->
        let* lines = Lwt_stream.to_list (uppercase (Lwt_stream.of_list [ "a"; "b" ])) in
        Alcotest.(check (list string)) "uppercase" [ "A"; "B" ] lines;
        Lwt.return_unit);
    run "sum_of_two" (fun () ->
        with_pool (fun pool ->
            let* sum = sum_of_two pool square in
            int "sum_of_two" 5 sum;
            Lwt.return_unit));
  ]

let of_its_types =
  [
    run_now "steps_to" (fun () -> int "steps_to" 3 (steps_to { Geometry.x = -1; y = 2 }));
    run_now "is_first" (fun () -> yes "is_first" (is_first { Geometry.major = 1; minor = 0 }));
    run_now "answer" (fun () -> yes "answer" (answer () = { text = "42"; seconds = 0.5 }));
    run_now "has_extension" (fun () -> yes "has_extension" (has_extension "a.txt" && not (has_extension "a")));
    run_now "milliseconds" (fun () -> yes "milliseconds" (milliseconds 1500 = 1.5));
    run_now "different" (fun () -> int "different" 2 (different [ 1; 2; 1 ]));
    run_now "mirrored" (fun () -> yes "mirrored" (mirrored { Geometry.x = 1; y = 2 } = { Geometry.x = 2; y = 1 }));
    run "domains_of" (fun () -> with_pool (fun pool -> Lwt.return (int "domains_of" 1 (domains_of pool))));
    run "on_a_domain" (fun () ->
        with_pool (fun pool ->
            let* seen = on_a_domain pool plus_one in
            int "on_a_domain" 2 seen;
            Lwt.return_unit));
    run "number_or_none" (fun () ->
        let* number = number_or_none one in
        text "a number" "1" number;
        let* none = number_or_none (fun () -> Lwt.fail Not_found) in
        text "Not_found" "none" none;
        let* other = result (number_or_none (fun () -> raise Exit)) in
        yes "another exception" (other = Error Exit);
        Lwt.return_unit);
    run_now "reason_of_failure" (fun () ->
        yes "a failure" (reason_of_failure (fun () -> failwith "reason") = Some "reason");
        yes "no failure" (reason_of_failure ignore = None);
        yes "another exception" (reason_of_failure (fun () -> raise Exit) = None));
    gives "two_tasks" 42 two_tasks;
    gives "before_and_after" 3 (fun () ->
        let calls = ref 0 in
        before_and_after (fun () -> incr calls; !calls));
    gives "from_a_plain_thread" 1 (fun () -> from_a_plain_thread (fun () -> 1));
    run_now "live_tasks" (fun () -> int "live_tasks" 0 (live_tasks ()));
    run "spawned_from_a_plain_thread" (fun () ->
        let* at_home = spawned_from_a_plain_thread () in
        yes "at home" at_home;
        Lwt.return_unit);
    run_now "be_polite" be_polite;
    gives "twice" 3 (fun () -> twice (fun n -> Lwt.return (n + 1)) 1);
    gives "called_thrice" 10 (fun () -> called_thrice ( + ));
    gives "called_later" 2 (fun () -> called_later (fun n -> Lwt.return (n + 1)));
    gives "value_from_a_worker" 1 (fun () -> value_from_a_worker (fun () -> 1));
    run "ends_within" (fun () ->
        let* ends = ends_within ignore 60_000 in
        yes "a short one" ends;
        let* ends = ends_within (fun () -> Unix.sleepf 0.2) 10 in
        yes "a long one" (not ends);
        Lwt.return_unit);
    gives "without_blocking_lwt" 21 (fun () ->
        without_blocking_lwt (fun n -> Unix.sleepf 0.001; n + 1));
    gives "sum_of_promises" 3 (fun () -> sum_of_promises (Lwt.return 1) (Lwt.map plus_one (Lwt.pause () |> Lwt.map (fun () -> 1))));
    run "first_of" (fun () ->
        let waits = never () in
        let* first = first_of waits (Lwt.return 1) in
        int "the first" 1 first;
        is_cancelled waits);
    gives "total" 6 (fun () -> total (Lwt_stream.of_list [ 1; 2; 3 ]));
    run "countdown" (fun () ->
        let { from; seconds } = countdown 3 in
        int "from" 3 from;
        let* seconds = Lwt_stream.to_list seconds in
        Alcotest.(check (list int)) "seconds" [ 3; 2; 1 ] seconds;
        Lwt.return_unit);
    run "squares" (fun () ->
        let* stream = squares 3 in
        let* items = Lwt_stream.to_list stream in
        Alcotest.(check (list int)) "squares" [ 1; 4; 9 ] items;
        Lwt.return_unit);
    gives "resolved_by_a_thread" 42 resolved_by_a_thread;
    run_now "too_many" (fun () ->
        yes "Full" (too_many (fun () -> raise (Full 3)) = Some 3);
        yes "another exception" (too_many (fun () -> raise Exit) = None));
    run "repeat" (fun () ->
        let calls = ref [] in
        let* () = repeat (fun a b -> calls := (a, b) :: !calls; Lwt.return_unit) in
        yes "two calls" (!calls = [ (1, 2); (1, 2) ]);
        Lwt.return_unit);
    run_now "is_idle" (fun () ->
        let counted () =
          let { Rust_async.tasks; subscriptions; roots; objects = _; loans = _ } = Rust_async.stats () in
          tasks + subscriptions + roots = 0
        in
        (* Threads of the examples before may let go of something in between. *)
        let rec agree times = counted () = is_idle () || (times > 0 && (Thread.delay 0.001; agree (times - 1))) in
        yes "is_idle" (agree 10_000));
    run_now "reversed" (fun () -> text "reversed" "\001\255" (reversed "\255\001"));
    run_now "lengths" (fun () -> yes "lengths" (lengths "one three" = [ ("one", 3); ("three", 5) ]));
    run_now "zeros" (fun () -> yes "zeros" (zeros 2 = Bytes.make 2 '\000'));
    run_now "first_byte" (fun () -> yes "first_byte" (first_byte "\195\188" = Some '\195'));
    run_now "standard_input" (fun () -> yes "standard_input" (standard_input () = Unix.stdin));
    run_now "last_character" (fun () -> yes "last_character" (last_character "\195\188" = Some (Uchar.of_int 0xFC)));
    run_now "mask" (fun () -> yes "mask" (mask 8 = 255n));
    run "passed_through" (fun () ->
        let value = ref 0 in
        let* seen = passed_through (Obj.repr value) in
        yes "the same value" (seen == Obj.repr value);
        Lwt.return_unit);
  ]

let too_late () = List.iter (fun said -> yes said (String.length said > 0)) (configured_too_late ())

let of_the_configuration =
  [
    run_now "before_the_first_call" (fun () -> int "both are refused" 2 (List.length (configured_too_late ())));
    run_now "use_two_workers" too_late;
  ]

let of_a_host =
  let refused name = run_now name (fun () -> List.iter (fun said -> yes said (String.length said > 0)) (ocaml_is_the_host ())) in
  [
    refused "program";
    refused "start_an_archive";
    refused "ocaml_is_there";
    gives_text "defined" "a fruit (English)" (fun () ->
        defined { look_up = (fun _ -> Lwt.return "a fruit"); language = (fun () -> "English") } "apple");
    gives "two_of" 3 (fun () ->
        let count = ref 0 in
        two_of { next = (fun () -> incr count; Lwt.return !count) });
  ]

let of_the_macros =
  [
    gives_text "greet" "hello world" (fun () -> greet "world");
    run "greet_and_tell" (fun () ->
        let told = ref "" in
        let* said = greet_and_tell "world" (fun name -> told := name; Lwt.return_unit) in
        text "said" "hello world" said;
        text "told" "world" !told;
        Lwt.return_unit);
    gives "six" 21 (fun () -> six 1 2 3 4 5 6);
    run "fetch" (fun () ->
        let* page = fetch "index" in
        text "fetch" "the page index" page;
        let* compressed = compress "abcdef" 1 in
        text "compress" "ace" compressed;
        Lwt.return_unit);
    run_now "checksum" (fun () ->
        int "checksum" 3 (checksum "\001\002");
        match checksum "" with
        | _ -> Alcotest.fail "nothing has a checksum"
        | exception Rust_async.Rust_error { message; _ } -> text "checksum" "there is nothing to sum up" message);
    run "numbers" (fun () ->
        let* items = Lwt_stream.to_list (numbers 3) in
        Alcotest.(check (list int)) "numbers" [ 1; 2; 3 ] items;
        let* page = download "index" in
        let* parts = Lwt_stream.to_list page in
        text "download" "the page index" (String.concat "" parts);
        Lwt.return_unit);
    run_now "named" (fun () -> yes "named" (named "one" (Circle 1.) = Named ("one", Circle 1.)));
    run "size_of_missing" (fun () ->
        let* ended = result (size_of_missing "x") in
        yes "Missing" (ended = Error (Missing { path = "x"; reason = "no such file" }));
        Lwt.return_unit);
  ]

let all = of_the_crate @ of_its_types @ of_the_configuration @ of_a_host @ of_the_macros

let every_example_is_run () =
  let sorted = List.sort compare in
  Alcotest.(check (list string)) "the examples" (sorted (Documented.examples ())) (sorted (List.map fst all))

let every_type_has_an_example () = Alcotest.(check (list string)) "types without" [] (Documented.unshown ())

let () =
  let case (name, body) = Alcotest.test_case name `Quick body in
  Alcotest.run "documented"
    [
      ( "all",
        List.map case
          [ ("every_example_is_run", every_example_is_run); ("every_type_has_an_example", every_type_has_an_example) ] );
      ("examples", List.map case all);
    ]
