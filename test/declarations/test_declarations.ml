(* Values there and back through declarations that were made from Rust. *)

open Lwt.Syntax

let run = Lwt_main.run
let law name body = Alcotest.test_case name `Quick body

let there_and_back () =
  let back name echo value = Alcotest.(check bool) name true (echo value = value) in
  back "int" Made.echo_int min_int;
  back "small ints" Made.echo_small_ints (255, -128, 65535, -32768, max_int);
  back "bool" Made.echo_bool true;
  back "float" Made.echo_float 0.1;
  back "unit" Made.echo_unit ();
  back "boxed ints" Made.echo_boxed_ints (-1l, 1l, -1L, 1L, -1n);
  back "string" Made.echo_string "text";
  back "bytes" Made.echo_bytes "\000\255";
  back "bytes that may change" Made.echo_mutable_bytes (Bytes.of_string "\000\255");
  back "char" Made.echo_char '\255';
  back "characters" Made.echo_uchar (Uchar.of_int 0x10FFFF);
  back "several" Made.echo_uchars [| Uchar.min; Uchar.of_int 0xFC; Uchar.max |];
  (match Made.echo_char (Obj.magic 300) with
  | exception Invalid_argument why ->
      Alcotest.(check string) "no char" "echo_char: argument 1 (value): 300 is no char of OCaml's, 0 to 255" why
  | (_ : char) -> Alcotest.fail "a char of 300");
  (match Made.echo_uchar (Obj.magic 0xD800) with
  | exception Invalid_argument why ->
      Alcotest.(check string) "no Uchar.t" "echo_uchar: argument 1 (value): 55296 is no scalar value of Unicode" why
  | (_ : Uchar.t) -> Alcotest.fail "a surrogate");
  back "descriptor" Made.echo_descriptor Unix.stdout;
  (match Made.echo_descriptor (Obj.magic (1 lsl 40)) with
  | exception Invalid_argument why ->
      Alcotest.(check string) "no descriptor"
        "echo_descriptor: argument 1 (value): 1099511627776 is no number of a file descriptor" why
  | (_ : Unix.file_descr) -> Alcotest.fail "a descriptor of that number");
  back "four bytes" Made.echo_four_bytes "\000\001\002\255";
  back "option" Made.echo_option (Some None);
  back "result" Made.echo_result (Error "no");
  back "tuple" Made.echo_tuple ((1, false), 0.5);
  back "list" Made.echo_list [ [ "a" ]; []; [ "b"; "c" ] ];
  back "linked list" Made.echo_linked_list [ 1; 2 ];
  back "map" Made.echo_map [ ("a", 1); ("b", 2) ];
  back "array" Made.echo_array [| 1.; 2. |];
  back "flat record" Made.echo_point { x = 1.; y = 2. };
  back "variant" Made.echo_shape (Named ("r", Rectangle { corner = { x = 0.; y = 1. }; width = 2.; height = 3. }));
  back "variant of a tuple" Made.echo_shape (Both (1, 2));
  back "constant constructor" Made.echo_shape Empty;
  back "types that need one another" Made.echo_tree (Node { left = Leaf; value = 1; right = Leaf });
  back "type of its own parameter" Made.echo_sequence (Then { item = 1; rest = Then { item = 2; rest = End } });
  back "parameters" Made.echo_pair { first = "a"; second = [| { first = 1; second = true } |] };
  back "floats as parameters" Made.echo_pairs_of_floats { first = 1.; second = 2. };
  back "unboxed variant" Made.echo_meters (Meters 1.5);
  back "unboxed record" Made.echo_boxed { content = "in it" };
  let arrays = Bigarray.(Array1.of_array int c_layout [| 1; 2 |], Array3.create int32 c_layout 1 2 0) in
  back "array that is copied" Made.echo_numbers (fst arrays);
  back "array of three dimensions" Made.echo_cube (snd arrays);
  let bytes = Lwt_bytes.of_string "lent" and matrix = Bigarray.(Array2.create float64 c_layout 2 3) in
  let tensor = Bigarray.(Genarray.create complex32 c_layout [| 1; 1; 1; 1 |]) in
  Alcotest.(check bool) "array that is lent" true (Made.echo_lent bytes == bytes);
  Alcotest.(check bool) "matrix" true (Made.echo_matrix matrix == matrix);
  Alcotest.(check bool) "array of four dimensions" true (Made.echo_tensor tensor == tensor);
  let friend = { Made.name = "Ada"; age = 36; type_ = Human; friends = [] } in
  back "record" Made.echo_person { Made.name = "R2"; age = 1; type_ = Robot; friends = [ friend; friend ] };
  let wrapped =
    Made.echo_wrapped { list = List (1, Some (List (2, None))); on_change = Option.is_some; position = Lexing.dummy_pos }
  in
  Alcotest.(check bool) "type that OCaml has" true (wrapped.position = Lexing.dummy_pos);
  Alcotest.(check bool) "function in a record" true (wrapped.on_change (Some 1));
  Alcotest.(check int) "any value" 3 (Obj.obj (Made.echo_value (Obj.repr 3)))

let functions () =
  let text = Made.echo_function (fun a (b, c) -> string_of_int (a + b + c)) 1 (2, 3) in
  Alcotest.(check string) "function of a tuple" "6" text;
  (* With one argument, as OCaml's type says; two would be read from where nothing is. *)
  let returned = Made.same_at_once (fun n -> n + 1) in
  Alcotest.(check int) "function that is returned" 3 (returned 2);
  let called =
    run
      (let* some = Made.call (fun n text -> Lwt.return (Some (n + String.length text))) 10 in
       let* none = Made.call_without (fun () -> Lwt.return 5) in
       let* same = Made.same succ in
       Lwt.return (some, none, same 1))
  in
  Alcotest.(check (triple (option int) int int)) "functions" (Some 12, 5, 2) called

let promises () =
  let ended promise = run (Lwt.catch promise (fun _ -> Lwt.return (-1))) in
  Alcotest.(check int) "six arguments" 21 (ended (fun () -> Made.sum 1 2 3 4 5 6));
  Alcotest.(check int) "value" 2 (ended (fun () -> Made.half 4));
  Alcotest.(check int) "error of ocaml-rs" (-1) (ended (fun () -> Made.half 5));
  Alcotest.(check (result int string)) "result" (Error "5 is odd") (run (Made.checked_half 5));
  Alcotest.(check string) "joined" "a,b" (run (Made.join [ "a"; "b" ] ","));
  run (Made.nothing ());
  let promise = Lwt.return { Made.name = "Ada"; age = 36; type_ = Human; friends = [] } in
  Alcotest.(check string) "promise as an argument" "Ada" (run (Made.name_of promise));
  Alcotest.(check int) "promise as a result" 7 (run (Made.echo_promise (Lwt.return 7)))

let modules () =
  Alcotest.(check int) "keyword" 3 (run (Made.Names.method_ 3));
  run (Made.Names.Lwt_.pause ());
  let list stream = Lwt_stream.to_list stream in
  Alcotest.(check (list int)) "stream at once" [ 0; 1; 2 ] (run (list (Made.Streams.count 3)));
  let opened = run (Lwt.bind (Made.Streams.opened "path") list) in
  Alcotest.(check (list string)) "stream in a promise" [ "path" ] opened;
  let bytes = run (Lwt.bind (Made.Streams.fallible "path") list) in
  Alcotest.(check (list string)) "stream of results" [ "path" ] bytes;
  Alcotest.(check int) "stream as an argument" 6 (run (Made.Streams.total (Lwt_stream.of_list [ 1; 2; 3 ])));
  let stream, number = run (Made.Streams.Inner.both ()) in
  Alcotest.(check (pair (list int) int)) "stream in a tuple" ([ 1 ], 2) (run (list stream), number)

let exceptions () =
  let failed n = run (Lwt.catch (fun () -> Lwt.map (fun () -> Not_found) (Made.Errors.fail n)) Lwt.return) in
  let is name expected n = Alcotest.(check bool) name true (expected (failed n)) in
  is "with fields" (function Made.Errors.Unreadable { path = "/\255"; method_ = "none" } -> true | _ -> false) 0;
  is "with arguments" (function Made.Errors.Refused (3, Some "no") -> true | _ -> false) 1;
  is "without" (function Made.Errors.Gone -> true | _ -> false) 2;
  let told expected exn = Alcotest.(check string) expected expected (run (Made.Errors.told (fun () -> Lwt.fail exn))) in
  told {|unreadable [47, 254] why|} (Made.Errors.Unreadable { path = "/\254"; method_ = "why" });
  told "refused 1 None" (Made.Errors.Refused (1, None));
  told "gone" Made.Errors.Gone;
  told "another" Not_found;
  told "another" (Failure "gone")

let polymorphic_variants () =
  let back name value = Alcotest.(check bool) name true (Made.Errors.echo_net_error value = value) in
  List.iter2 back [ "constant"; "value"; "values"; "tuple"; "negative number" ]
    [ `Timeout; `Io "x"; `Status (404, 0.5); `tls (1, 2); `Io "" ];
  let attempt = { Made.result = Error (`Status (1, 2.)) } in
  Alcotest.(check bool) "in a record" true (Made.Errors.echo_attempt attempt = attempt);
  (* The errors of two functions, united. *)
  let both n = Lwt_result.bind (Made.Errors.fetch n) (fun n -> Made.Errors.store n) in
  let text = function
    | Ok n -> string_of_int n
    | Error `Timeout -> "timeout"
    | Error (`Io text) -> text
    | Error (`Status _ | `tls _) -> "no"
    | Error `Other -> "other"
  in
  Alcotest.(check (list string)) "united" [ "timeout"; "io"; "other"; "3" ]
    (List.map (fun n -> text (run (both n))) [ 0; 1; 2; 3 ]);
  let handler = function `Io text -> Lwt.return (text = "x") | `Timeout | `Status _ | `tls _ -> Lwt.return false in
  Alcotest.(check bool) "argument of a function of OCaml's" true (run (Made.Errors.handled handler))

let labels () =
  let labelled = Made.Names.labelled in
  Alcotest.(check string) "all" "h Some(1) Some(0.5) true p" (labelled ~type_:true ~timeout:0.5 ~host:"h" ~port:1 "p");
  Alcotest.(check string) "left out" "h None None false p" (labelled ~host:"h" ~type_:false "p")

let objects () =
  let module Pool = Made.Objects.Pool in
  let open Made.Objects.Inner in
  let pool = run (Pool.connect "url") and other = run (Pool.connect "other") in
  Alcotest.(check bool) "an error" true
    (match run (Pool.connect "") with _ -> false | exception Rust_async.Rust_error { message = "no url"; _ } -> true);
  let row = (run (Pool.fetch pool "select")).(0) in
  Alcotest.(check string) "in a record" "select" (row.text ^ if Pool.idle row.of_ = 1 then "" else "?");
  Alcotest.(check (list string)) "stream" [ "url 0"; "url 1" ] (run (Lwt_stream.to_list (Pool.rows pool 2)));
  Alcotest.(check (list int)) "stream in a promise" [ 1 ] (run (Lwt.bind (Pool.some_rows pool) Lwt_stream.to_list));
  Alcotest.(check (result unit string)) "on a worker" (Ok ()) (run (Pool.vacuum pool ~into:other));
  Alcotest.(check string) "moved" "select" (run (Pool.dump other) ^ run (Pool.dump pool));
  let seen = ref 0 in
  run (Pool.with_ pool (fun another none -> seen := Pool.idle another + if none = None then 1 else 9; Lwt.return_unit));
  Pool.close pool;
  Alcotest.(check bool) "closed" true (match Pool.idle row.of_ with _ -> false | exception Rust_async.Misuse _ -> true);
  let work = Option.get (run (Unit_of_work.begin_ other)) in
  run (Unit_of_work.close work);
  Unit_of_work.release work;
  Alcotest.(check string) "of a type that is none" "first" (Names.first ());
  Alcotest.(check int) "without functions" 2 (Array.length (bares ()));
  Array.iter Bare.close (bares ())

let interfaces () =
  let open Made.Games in
  let play ~move ?who () = Lwt.return (if move = 7 then who else None) in
  let judge = function
    | 0 -> Lwt.return (Ok 5)
    | 1 -> Lwt.return (Error Made.Draw)
    | 2 -> Lwt.return (Error (Made.Foul "foul"))
    | _ -> Lwt.fail Exit
  in
  let rules : Rules.t =
    { type_ = (fun () -> "chess"); play; against = (fun other -> String.length (other.type_ ())); scores = (fun () -> Lwt_stream.of_list [ 1 ]); judge }
  in
  let told who = Array.to_list (run (played rules who)) in
  let failed = "failed: " ^ Printexc.to_string Exit in
  Alcotest.(check (list string)) "nobody" [ "chess"; "nobody"; "5"; "score 5"; "draw"; "foul"; failed ] (told None);
  Alcotest.(check bool) "the same" true (same_rules rules == rules);
  let thrown_so_far = ref 0 in
  Alcotest.(check int) "at home" 3 (thrown { throw = (fun () -> incr thrown_so_far; !thrown_so_far) });
  Rules.provide rules;
  Rules.provide ~name:"other" rules;
  Alcotest.(check bool) "provided twice" true (match Rules.provide rules with () -> false | exception Invalid_argument _ -> true)

let () =
  Alcotest.run "declarations"
    [
      ( "made from Rust",
        [
          law "values go there and back" there_and_back;
          law "functions are called with their arguments" functions;
          law "promises end" promises;
          law "exceptions go there and back" exceptions;
          law "polymorphic variants unite" polymorphic_variants;
          law "labels are those that Rust says" labels;
          law "objects are values of abstract types" objects;
          law "interfaces are records of functions" interfaces;
          law "modules and streams are where Rust has them" modules;
        ] );
    ]
