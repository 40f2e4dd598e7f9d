open Lwt.Infix

let law name body = Alcotest.test_case name `Quick (fun () -> Lwt_main.run (body ()))

let greets_once_done () =
  let greeted = ref [] in
  let on_done name =
    greeted := name :: !greeted;
    Lwt.return_unit
  in
  My_project.greet "world" on_done >|= fun greeting ->
  Alcotest.(check (list string)) "on_done was called" [ "world" ] !greeted;
  Alcotest.(check string) "the greeting" "hello world" greeting

let refuses_nobody () =
  Lwt.catch
    (fun () -> My_project.greet "" (fun _ -> Lwt.return_unit) >|= fun greeting -> Alcotest.fail greeting)
    (function
      | Rust_async.Rust_error { message; _ } ->
          Alcotest.(check string) "Rust's error" "nobody to greet" message;
          Lwt.return_unit
      | exn -> Lwt.fail exn)

let () =
  Alcotest.run "my_project"
    [ ("greet", [ law "greets once done" greets_once_done; law "refuses nobody" refuses_nobody ]) ]
