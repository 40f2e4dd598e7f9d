(* Arguments, and functions of OCaml's that Rust calls: how many there are, their order, labels, and what functions are. *)

open Law

external labelled : name:string -> ?greeting:string -> unit -> string Lwt.t = "interop_tests__values_labelled"
let take_1 = Rust_half.Values.values_take_1
let take_2 = Rust_half.Values.values_take_2
let take_3 = Rust_half.Values.values_take_3
let take_4 = Rust_half.Values.values_take_4
let take_5 = Rust_half.Values.values_take_5
let take_6 = Rust_half.Values.values_take_6
let take_7 = Rust_half.Values.values_take_7
let take_8 = Rust_half.Values.values_take_8
let take_9 = Rust_half.Values.values_take_9
let take_10 = Rust_half.Values.values_take_10
let take_11 = Rust_half.Values.values_take_11
let take_12 = Rust_half.Values.values_take_12

let texts = [ "1"; "b"; "3.5"; "4"; "5"; "b"; "7.5"; "8"; "9"; "b"; "11.5"; "12" ]
let first n = String.concat " " (List.filteri (fun i _ -> i < n) texts)
let arrives name promise expected = law name (fun () -> Lwt.map (check_string "text" expected) (promise ()))

let arguments =
  let take n promise = arrives (Printf.sprintf "%d_arguments_arrive_in_order" n) promise (first n) in
  [
    arrives "labelled_argument_arrives" (fun () -> labelled ~name:"you" ()) "hello you";
    arrives "optional_argument_arrives" (fun () -> labelled ~greeting:"bye" ~name:"you" ()) "bye you";
    arrives "absent_option_arrives" (fun () -> labelled ?greeting:None ~name:"you" ()) "hello you";
    take 1 (fun () -> take_1 1);
    take 2 (fun () -> take_2 1 "b");
    take 3 (fun () -> take_3 1 "b" 3.5);
    take 4 (fun () -> take_4 1 "b" 3.5 4L);
    take 5 (fun () -> take_5 1 "b" 3.5 4L 5);
    take 6 (fun () -> take_6 1 "b" 3.5 4L 5 "b");
    take 7 (fun () -> take_7 1 "b" 3.5 4L 5 "b" 7.5);
    take 8 (fun () -> take_8 1 "b" 3.5 4L 5 "b" 7.5 8L);
    take 9 (fun () -> take_9 1 "b" 3.5 4L 5 "b" 7.5 8L 9);
    take 10 (fun () -> take_10 1 "b" 3.5 4L 5 "b" 7.5 8L 9 "b");
    take 11 (fun () -> take_11 1 "b" 3.5 4L 5 "b" 7.5 8L 9 "b" 11.5);
    take 12 (fun () -> take_12 1 "b" 3.5 4L 5 "b" 7.5 8L 9 "b" 11.5 12L);
  ]

(* Functions. *)

let give_0 = Rust_half.Values.values_give_0
let give_1 = Rust_half.Values.values_give_1
let give_2 = Rust_half.Values.values_give_2
let give_3 = Rust_half.Values.values_give_3
let give_4 = Rust_half.Values.values_give_4
let give_5 = Rust_half.Values.values_give_5
let give_12 = Rust_half.Values.values_give_12
let apply = Rust_half.Values.values_apply
let job = Rust_half.Values.values_job

(* Closures of one group: the second is a pointer into the block of the first, with [Infix_tag]. *)
let mutually_recursive seed =
  let rec even n = if n = 0 then Lwt.return ("even " ^ seed) else odd (n - 1)
  and odd n = if n = 0 then Lwt.return ("odd " ^ seed) else even (n - 1) in
  (even, odd)

let functions =
  let even, odd = mutually_recursive (string_of_int (Sys.opaque_identity 7)) in
  let of_int n = Lwt.return (string_of_int n) in
  let later text = Lwt.map (fun () -> text) (Lwt.pause ()) in
  let give n promise = arrives (Printf.sprintf "function_gets_its_%d_arguments_in_order" n) promise (first n) in
  [
    arrives "function_of_unit_is_called" (fun () -> give_0 (fun () -> later "unit")) "unit";
    give 1 (fun () -> give_1 of_int);
    give 2 (fun () -> give_2 (fun a b -> later (Printf.sprintf "%d %s" a b)));
    give 3 (fun () -> give_3 (fun a b c -> later (Printf.sprintf "%d %s %g" a b c)));
    give 4 (fun () -> give_4 (fun a b c d -> later (Printf.sprintf "%d %s %g %Ld" a b c d)));
    give 5 (fun () -> give_5 (fun a b c d e -> later (Printf.sprintf "%d %s %g %Ld %d" a b c d e)));
    give 12 (fun () ->
        give_12 (fun a b c d e f g h i j k l ->
            later (Printf.sprintf "%d %s %g %Ld %d %s %g %Ld %d %s %g %Ld" a b c d e f g h i j k l)));
    law_now "one_of_the_mutually_recursive_closures_is_infix" (fun () ->
        check_int "tag" Obj.infix_tag (max (Obj.tag (Obj.repr even)) (Obj.tag (Obj.repr odd))));
    arrives "first_of_mutually_recursive_closures_is_called" (fun () -> give_1 even) "odd 7";
    arrives "infix_closure_is_called" (fun () -> give_1 odd) "even 7";
    arrives "partial_application_is_called" (fun () -> give_1 ((fun a b c -> of_int (a + b + c)) 3 4)) "8";
    arrives "partial_application_of_a_tupled_function_is_called"
      (fun () -> give_1 (Fun.flip (Printf.ksprintf later "%d%s") "!"))
      "1!";
    arrives "function_that_returns_a_function_is_called"
      (fun () ->
        give_2 (fun a ->
            let made = Sys.opaque_identity (fun b -> later (Printf.sprintf "%d%s" a b)) in
            made))
      "1b";
    arrives "primitive_is_called" (fun () -> give_1 (Obj.magic (Rust_half.Values.values_take_1 : int -> string Lwt.t))) "1";
    arrives "method_is_called"
      (fun () -> give_1 (object method m = of_int end)#m)
      "1";
    arrives "function_of_now_is_called_again_and_again"
      (fun () ->
        let suffix = string_of_int (Sys.opaque_identity 7) in
        apply (fun i text -> text ^ string_of_int i ^ suffix) 5)
      "0717273747";
    law "record_with_handles_arrives" (fun () ->
        let start, resolver = Lwt.wait () in
        let result = job { Rust_half.start; step = (fun n -> Lwt.map (fun () -> n + 1) (Lwt.pause ())) } in
        Lwt.wakeup resolver 6;
        Lwt.map (check_int "value" 7) result);
  ]
[@@ocamlformat "disable"]

let () = Alcotest.run "arguments" [ ("arguments", arguments); ("functions", functions) ]
