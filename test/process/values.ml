(* Values that are not what they are taken for: refused, where looking into them would kill the process. *)

open Case

external raise_value : 'a -> unit Lwt.t = "interop_tests__process_raise_value"
external raise_by_ocaml_rs : 'a -> unit Lwt.t = "interop_tests__process_raise_by_ocaml_rs"
external raise_with_by_ocaml_rs : 'a -> 'b -> unit Lwt.t = "interop_tests__process_raise_with_by_ocaml_rs"
let pass_exception = Rust_half.Process.Values.process_pass_exception
let raise_registered = Rust_half.Process.Values.process_raise_registered
let raise_registered_elsewhere = Rust_half.Process.Values.process_raise_registered_elsewhere
let raise_registered_on_a_worker = Rust_half.Process.Values.process_raise_registered_on_a_worker
let text_arguments = Rust_half.Process.Values.process_text_arguments

exception Constant
exception One of string
exception Two of int * string
exception Pair of (int * string)
exception Texts of (string * string)
exception Unit of unit

(* Of a text that says what was done, why it cannot work, and what to do instead: the first. *)
let what text =
  let rec first at =
    match String.index_from_opt text at ':' with
    | Some at when at + 1 < String.length text && text.[at + 1] = ' ' -> String.sub text 0 at
    | Some at -> first (at + 1)
    | None -> text
  in
  first 0

let ending promise =
  match Lwt_main.run (promise ()) with
  | () -> "fulfilled"
  | exception Constant -> "Constant"
  | exception One text -> "One " ^ text
  | exception Two (n, text) -> Printf.sprintf "Two %d %s" n text
  | exception Pair (n, text) -> Printf.sprintf "Pair %d %s" n text
  | exception Texts (first, second) -> Printf.sprintf "Texts %s %s" first second
  | exception Unit () -> "Unit"
  | exception Rust_async.Misuse text -> "Misuse: " ^ what text
  | exception exn -> Printexc.to_string exn

(* What has no exception's form, one for each kind of block. *)
let no_exceptions =
  let rec even n = n = 0 || odd (n - 1) and odd n = n > 0 && even (n - 1) in
  [
    ("an_int", Obj.repr 3);
    ("a_string", Obj.repr "hello");
    ("an_empty_string", Obj.repr "");
    ("a_float", Obj.repr 1.5);
    ("an_int64", Obj.repr 7L);
    ("a_float_array", Obj.repr [| 1.5; 2.5 |]);
    ("an_empty_array", Obj.repr [||]);
    ("a_closure", Obj.repr (fun x -> Sys.opaque_identity x + 1));
    ("one_of_two_closures", Obj.repr odd);
    ("a_partial_application", Obj.repr (( + ) (Sys.opaque_identity 1)));
    ("a_record", Obj.repr (1, 2));
    ("a_pair_of_a_string", Obj.repr ("a", 2));
    ("a_list_of_closures", Obj.repr [ even ]);
    ("a_list_of_tuples", Obj.repr [ ("a", 1) ]);
    ("an_option", Obj.repr (Some "a"));
    ("a_variant_with_another_tag", Obj.repr (Error Constant : (int, exn) result));
    ("a_lazy_value", Obj.repr (lazy (Sys.opaque_identity 1)));
    ("an_object", Obj.repr (object method m = 1 end));
    ("a_pair_of_an_object", Obj.repr (object method m = 1 end, 2));
    ("an_extension_without_a_name", Obj.repr (Obj.with_tag Obj.object_tag (Obj.repr (1, 2))));
    ("an_extension_without_a_number", Obj.repr (Obj.with_tag Obj.object_tag (Obj.repr ("a", "b"))));
    ("half_an_extension", Obj.repr (Obj.with_tag Obj.object_tag (Obj.repr (ref "a"))));
  ]
[@@ocamlformat "disable"]

let no_exception = "Misuse: a value was given for an OCaml exception, and is none"

let no_constructor = "Misuse: an ocaml::CamlError::WithArg has a constructor that cannot be used so"

let taken_for_an_exception =
  List.concat_map
    (fun (name, value) ->
      [
        case (name ^ "_is_no_exception") ~out:[ no_exception ] (fun () -> say "%s" (ending (fun () -> raise_value value)));
        case (name ^ "_is_no_exception_of_ocaml_rs") ~out:[ no_exception ] (fun () ->
            say "%s" (ending (fun () -> raise_by_ocaml_rs value)));
        case (name ^ "_is_no_constructor_of_ocaml_rs") ~out:[ no_constructor ] (fun () ->
            say "%s" (ending (fun () -> raise_with_by_ocaml_rs value "text")));
        case (name ^ "_does_not_reject_a_promise") ~out:[ no_exception ] (fun () ->
            say "%s" (ending (fun () -> pass_exception ignore (Lwt.fail (Obj.obj value)))));
      ])
    no_exceptions

let exceptions =
  List.map
    (fun (name, exn, expected) ->
      case (name ^ "_is_an_exception") ~out:[ expected; expected; expected ] (fun () ->
          say "%s" (ending (fun () -> raise_value exn));
          say "%s" (ending (fun () -> raise_by_ocaml_rs exn));
          say "%s" (ending (fun () -> pass_exception (fun () -> raise exn) (Lwt.return_unit)))))
    [
      ("a_constant", Constant, "Constant");
      ("one_of_the_runtime", Not_found, "Not_found");
      ("one_of_the_runtime_with_an_argument", Failure "why", "Failure(\"why\")");
      ("one_argument", One "a", "One a");
      ("two_arguments", Two (1, "a"), "Two 1 a");
      ("a_pair", Pair (1, "a"), "Pair 1 a");
      ("an_inline_record", Rust_async.Rust_panic { message = "m"; location = "" }, "Rust_async.Rust_panic: m");
    ]
[@@ocamlformat "disable"]

(* Registered by name. *)

let register () =
  Rust_async.register_exception "constant" Constant;
  Rust_async.register_exception "one" (One "");
  Rust_async.register_exception "two" (Two (0, ""));
  Rust_async.register_exception "pair" (Pair (0, ""));
  Rust_async.register_exception "texts" (Texts ("", ""));
  Rust_async.register_exception "unit" (Unit ());
  Callback.register_exception "of_the_standard_library" (One "");
  Callback.register "function" (fun x -> Sys.opaque_identity x)

let registered =
  let law name arguments expected =
    case (Printf.sprintf "%s_registered_and_raised_%d" (String.escaped name) arguments) ~out:(List.init 6 (fun _ -> expected)) (fun () ->
        register ();
        let all () =
          List.iter
            (fun raise_registered -> say "%s" (ending (fun () -> raise_registered name arguments)))
            [ raise_registered; raise_registered_elsewhere; raise_registered_on_a_worker ]
        in
        all ();
        Gc.compact ();
        all ())
  in
  [
    law "constant" 0 "Constant";
    law "one" 1 "One text";
    law "two" 2 "Two 1 text";
    law "pair" 3 "Pair 1 text";
    law "unit" 4 "Unit";
    (* Another number of arguments. *)
    law "constant" 1 "Misuse: the exception \"constant\" was asked for with 1 argument, but OCaml's has none";
    law "one" 0 "Misuse: the exception \"one\" was asked for with no argument, but OCaml's has 1";
    law "one" 2 "Misuse: the exception \"one\" was asked for with 2 arguments, but OCaml's has 1";
    law "two" 3 "Misuse: the exception \"two\" was asked for with 1 argument, but OCaml's has 2";
    law "pair" 2 "Misuse: the exception \"pair\" was asked for with 2 arguments, but OCaml's has 1";
    (* Arguments that are not like those that it was registered with. *)
    law "one" 4 "Misuse: the exception \"one\" was asked for with a value for argument 1 that is not like OCaml's";
    law "one" 5 "Misuse: the exception \"one\" was asked for with a value for argument 1 that is not like OCaml's";
    law "one" 6 "Misuse: the exception \"one\" was asked for with a value for argument 1 that is not like OCaml's";
    law "texts" 3 "Misuse: the exception \"texts\" was asked for with a value for argument 1 that is not like OCaml's";
    law "unit" 1 "Misuse: the exception \"unit\" was asked for with a value for argument 1 that is not like OCaml's";
    (* Not registered, or otherwise. *)
    law "nobody" 0 "Misuse: the exception \"nobody\" was asked for, but OCaml has not registered one of that name with its arguments";
    law "function" 1 "Misuse: the exception \"function\" was asked for, but OCaml has not registered one of that name with its arguments";
    law "of_the_standard_library" 1 "Misuse: the exception \"of_the_standard_library\" was asked for, but OCaml has not registered one of that name with its arguments";
    law "zero\000byte" 0 "Misuse: the exception \"zero\\0byte\" was asked for, but OCaml has not registered one of that name with its arguments";
  ]
[@@ocamlformat "disable"]

let of_ocaml_rs =
  [
    case "constructor_that_was_registered_is_raised_with_its_argument" ~out:[ "One text"; "Pair 1 text" ] (fun () ->
        register ();
        let constructor exn = Obj.Extension_constructor.of_val exn in
        say "%s" (ending (fun () -> raise_with_by_ocaml_rs (constructor (One "")) "text"));
        say "%s" (ending (fun () -> raise_with_by_ocaml_rs (constructor (Pair (0, ""))) (1, "text"))));
    case "constructor_with_another_number_of_arguments_is_misuse" ~out:[ no_constructor; no_constructor ] (fun () ->
        register ();
        let constructor exn = Obj.Extension_constructor.of_val exn in
        say "%s" (ending (fun () -> raise_with_by_ocaml_rs (constructor (Two (0, ""))) (1, "text")));
        say "%s" (ending (fun () -> raise_with_by_ocaml_rs (constructor Constant) "text")));
  ]

(* What an exception holds: as far as it shows. *)

let arguments =
  let show = function None -> "-" | Some text -> text in
  List.map
    (fun (name, exn, expected) ->
      case ("text_arguments_of_" ^ name) ~out:[ expected ] (fun () ->
          let texts = Lwt_main.run (text_arguments (Lwt.fail exn)) in
          say "%s" (String.concat " " (List.map show (Array.to_list texts)))))
    [
      ("a_constant", Not_found, "- - - -");
      ("one", One "a", "a - - -");
      ("two", Two (1, "a"), "- a - -");
      ("a_pair", Pair (1, "a"), "- - - -");
      ("another", Unix.(Unix_error (ENOENT, "open", "/nowhere")), "- open /nowhere -");
      ("one_of_the_system", Unix.(Unix_error (EUNKNOWNERR 7, "open", "")), "- open  -");
    ]

(* Values as deep as one likes. *)

type nested = End | Next of nested

exception Nested of nested

external depth_of : nested -> int Lwt.t = "interop_tests__process_depth_of"
external nested : int -> nested Lwt.t = "interop_tests__process_nested"
external nested_through : (nested -> nested) -> int -> unit Lwt.t = "interop_tests__process_nested_through"
let nested_in_exception = Rust_half.Process.Values.process_nested_in_exception

let rec build depth inner = if depth = 0 then inner else build (depth - 1) (Next inner)
let rec count depth = function End -> depth | Next inner -> count (depth + 1) inner

(* Deeper than a stack of 8 MiB. *)
let deepest = 1_000_000

let nesting =
  let case = case ~at_most:120. in
  let too_deep = "a value is nested deeper than there is stack for" in
  let ending promise =
    match Lwt_main.run (promise ()) with
    | (_ : int) -> "converted"
    | exception Invalid_argument text -> "Invalid_argument: " ^ text
    | exception Rust_async.Rust_panic { message; _ } -> "Rust_panic: " ^ message
  in
  [
    case "nested_argument_is_refused_or_read" ~out:[ "1000"; "true"; "refused"; "1000" ] (fun () ->
        say "%d" (Lwt_main.run (depth_of (build 1000 End)));
        let ended = ending (fun () -> depth_of (build 100_000 End)) in
        say "%b" (ended = "converted" || contains ended ~part:too_deep);
        let ended = ending (fun () -> depth_of (build deepest End)) in
        say "%s" (if contains ended ~part:("Invalid_argument: process_depth_of: argument 1 (value): " ^ too_deep) then "refused" else ended);
        say "%d" (Lwt_main.run (depth_of (build 1000 End))));
    case "nested_result_is_refused_or_made" ~out:[ "1000"; "true"; "refused"; "1000" ] (fun () ->
        let made depth () = Lwt.map (count 0) (nested depth) in
        say "%d" (Lwt_main.run (made 1000 ()));
        let ended = ending (made 100_000) in
        say "%b" (ended = "converted" || contains ended ~part:too_deep);
        let ended = ending (made deepest) in
        say "%s" (if contains ended ~part:("Rust_panic: " ^ too_deep) then "refused" else ended);
        say "%d" (Lwt_main.run (made 1000 ())));
    case "nested_value_of_a_function_is_refused" ~out:[ "refused" ] (fun () ->
        match Lwt_main.run (nested_through (fun _ -> build deepest End) 10) with
        | () -> say "converted"
        | exception Invalid_argument text -> say "%s" (if contains text ~part:too_deep then "refused" else text));
    case "nested_argument_of_a_function_is_refused" ~out:[ "refused" ] (fun () ->
        let ended = ending (fun () -> Lwt.map (fun () -> 0) (nested_through (fun it -> it) deepest)) in
        say "%s" (if contains ended ~part:too_deep then "refused" else ended));
    case "nested_argument_of_an_exception_is_not_read" ~out:[ "true"; "false" ] (fun () ->
        let read depth = Lwt_main.run (nested_in_exception (Lwt.fail (Nested (build depth End)))) in
        say "%b" (read 1000);
        say "%b" (read deepest));
  ]
[@@ocamlformat "disable"]

let () = main (taken_for_an_exception @ exceptions @ registered @ of_ocaml_rs @ arguments @ nesting)
