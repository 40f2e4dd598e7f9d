(* Chapter 3: errors and panics. *)

(* -- an error -- *)
open Lwt.Syntax
open Links.Errors

let an_error () =
  Lwt.catch
    (fun () ->
      let+ links = read_list "/no/such/list" in
      Printf.printf "%d links\n" (Array.length links))
    (function
      | Rust_async.Rust_error { message; causes } ->
          print_endline message;
          List.iter (Printf.printf "  because: %s\n") causes;
          Lwt.return_unit
      | other -> Lwt.fail other)

(* -- an exception of Rust's -- *)
let an_exception_of_rust's () =
  Lwt.catch
    (fun () -> Lwt.map print_endline (status "busy.example"))
    (function
      | TooBusy { host; seconds } ->
          Printf.printf "%s: again in %d seconds\n" host seconds;
          Lwt.return_unit
      | other -> Lwt.fail other)

(* -- an exception of OCaml's -- *)
exception Blocked of string

let an_exception_of_ocaml's () =
  let calls = ref 0 in
  let fetch link =
    incr calls;
    if !calls = 1 then Lwt.fail Not_found else Lwt.fail (Blocked link)
  in
  Lwt.catch
    (fun () -> Lwt.map print_endline (fetch_twice fetch "http://a.example"))
    (function
      | Blocked link ->
          Printf.printf "%s is blocked, after %d calls\n" link !calls;
          Lwt.return_unit
      | other -> Lwt.fail other)

(* -- an exception by its name -- *)
exception Too_long of int * string

let () = Rust_async.register_exception "too_long" (Too_long (0, ""))

let an_exception_by_its_name () =
  Lwt.catch
    (fun () -> check_length "http://a.example/a/b/c/d")
    (function
      | Too_long (length, link) ->
          Printf.printf "%s has %d letters\n" link length;
          Lwt.return_unit
      | other -> Lwt.fail other)

(* -- a panic -- *)
let a_panic () =
  let* () =
    Lwt.catch
      (fun () -> Lwt.map print_endline (host_of "example.org"))
      (function
        | Rust_async.Rust_panic { message; location } ->
            let file = List.hd (String.split_on_char ':' location) in
            Printf.printf "%s, in %s\n" message (Filename.basename file);
            Lwt.return_unit
        | other -> Lwt.fail other)
  in
  Lwt.map print_endline (host_of "http://example.org/")

(* -- -- *)
let () =
  Chapter.run
    [
      ("an error", an_error);
      ("an exception of Rust's", an_exception_of_rust's);
      ("an exception of OCaml's", an_exception_of_ocaml's);
      ("an exception by its name", an_exception_by_its_name);
      ("a panic", a_panic);
    ]
