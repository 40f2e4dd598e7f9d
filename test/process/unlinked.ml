(* A program that has the Rust half only: its build forgot the library rust-async. *)

open Case

external ready : int -> int Lwt.t = "interop_tests__process_ready"
external panic : string -> unit Lwt.t = "interop_tests__process_panic"

external sum : int -> int -> int -> int -> int -> int -> int Lwt.t
  = "interop_tests__process_sum_bytecode" "interop_tests__process_sum"

external plain_add : int -> int -> int = "process_plain_add"

let refused f =
  match f () with
  | _ -> check "a call was not refused" false
  | exception Failure message ->
      check message (contains message ~part:"the OCaml library rust-async is not linked into this program");
      check message (contains message ~part:"add rust-async to the libraries")

let cases =
  [
    case "call_without_the_library_says_what_is_missing" (fun () ->
        refused (fun () -> ready 1);
        refused (fun () -> sum 1 2 3 4 5 6));
    case "call_without_the_library_from_a_thread" (fun () ->
        Thread.join (Thread.create (fun () -> refused (fun () -> ready 1)) ());
        refused (fun () -> ready 1));
    case "uncaught_it_ends_the_program_with_that_message" ~ending:(Exit 2)
      ~err:[ "Fatal error"; "rust-async is not linked" ] (fun () -> Lwt_main.run (Lwt.map ignore (ready 1)));
    case "collections_after_a_refusal_find_nothing_of_it" ~out:[ "collected"; "3" ] (fun () ->
        let rec deep n =
          if n = 0 then 0
          else begin
            refused (fun () -> panic (String.make 100 'a'));
            if n mod 10 = 0 then Gc.compact ();
            1 + deep (n - 1)
          end
        in
        check "all of them" (deep 100 = 100);
        Gc.full_major ();
        Gc.compact ();
        say "collected";
        say "%d" (plain_add 1 2));
  ]

let () = main cases
