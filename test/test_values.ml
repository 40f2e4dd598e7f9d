(* Every type that crosses is what it was: there and back, at once, and across an await with a compaction. *)

open Lwt.Syntax
open Law
open Declared

(* A value, and whether to yield before it is given back. *)

let unit = Rust_half.Values.values_unit
let bool = Rust_half.Values.values_bool
external char : char -> bool -> char Lwt.t = "interop_tests__values_char"
let int = Rust_half.Values.values_int
let int32 = Rust_half.Values.values_int32
let int64 = Rust_half.Values.values_int64
let nativeint = Rust_half.Values.values_nativeint
let float = Rust_half.Values.values_float
let string = Rust_half.Values.values_string
let byte_string = Rust_half.Values.values_bytes
external bytes : bytes -> bool -> bytes Lwt.t = "interop_tests__values_bytes"
let option = Rust_half.Values.values_option
let option_option = Rust_half.Values.values_option_option
let result = Rust_half.Values.values_result
let pair = Rust_half.Values.values_pair
let tuple = Rust_half.Values.values_tuple
let list = Rust_half.Values.values_list
let list_of_lists = Rust_half.Values.values_list_of_lists
let linked_list = Rust_half.Values.values_linked_list
let assoc = Rust_half.Values.values_assoc
let array = Rust_half.Values.values_array
let int_array = Rust_half.Values.values_int_array
let float_array = Rust_half.Values.values_float_array
let matrix = Rust_half.Values.values_matrix
let record = Rust_half.Values.values_record
let float_record = Rust_half.Values.values_float_record
let unboxed = Rust_half.Values.values_unboxed
let variant = Rust_half.Values.values_variant
let tree = Rust_half.Values.values_tree
let generic = Rust_half.Values.values_generic
external any : 'a -> bool -> 'a Lwt.t = "interop_tests__values_any"
external ocaml_value : 'a -> bool -> 'a Lwt.t = "interop_tests__values_ocaml_value"
let function_ = Rust_half.Values.values_function
let sync_function = Rust_half.Values.values_sync_function
let promise = Rust_half.Values.values_promise
external any_array : 'a array -> bool -> 'a array Lwt.t = "interop_tests__values_any_array"
external value_array : 'a array -> bool -> 'a array Lwt.t = "interop_tests__values_value_array"
external any_list : 'a list -> bool -> 'a list Lwt.t = "interop_tests__values_any_list"
external any_option : 'a option -> bool -> 'a option Lwt.t = "interop_tests__values_any_option"
external any_pair : ('a * 'b) -> bool -> ('a * 'b) Lwt.t = "interop_tests__values_any_pair"
external any_result : ('a, 'b) result -> bool -> ('a, 'b) result Lwt.t = "interop_tests__values_any_result"
external list_of_array : 'a array -> 'a list Lwt.t = "interop_tests__values_list_of_array"
external array_of_list : 'a list -> 'a array Lwt.t = "interop_tests__values_array_of_list"
let u8 = Rust_half.Values.values_u8
let i8 = Rust_half.Values.values_i8
let u16 = Rust_half.Values.values_u16
let i16 = Rust_half.Values.values_i16
let usize = Rust_half.Values.values_usize
let u32 = Rust_half.Values.values_u32
let u64 = Rust_half.Values.values_u64
let array_of_bytes = Rust_half.Values.values_array_of_bytes
let u8_option = Rust_half.Values.values_u8_option
let u8_list = Rust_half.Values.values_u8_list
let u8_linked_list = Rust_half.Values.values_u8_linked_list
external u8_array : int array -> bool -> int array Lwt.t = "interop_tests__values_u8_array"
let u8_assoc = Rust_half.Values.values_u8_assoc
let too_large = Rust_half.Values.values_too_large
let too_large_by_itself = Rust_half.Values.values_too_large_by_itself
let largest = Rust_half.Values.values_largest
let give_too_large = Rust_half.Values.values_give_too_large
let take_too_large = Rust_half.Values.values_take_too_large

let there_and_back check name echo samples =
  let law_of suffix yields =
    law (name ^ suffix) (fun () ->
        Lwt_list.iteri_s
          (fun i value ->
            let promise = echo value yields in
            check_bool "pending" yields (Lwt.is_sleeping promise);
            if yields then Gc.compact ();
            let+ came = promise in
            if not (check value came) then Alcotest.failf "sample %d came back as another" i)
          samples)
  in
  [ law_of "/at_once" false; law_of "/across_an_await" true ]

let copied name = there_and_back same_copy (name ^ "_is_copied")
let passed name = there_and_back ( == ) (name ^ "_passes_through")
let all_bytes = String.init 256 Char.chr
let large = String.init 1_000_000 (fun i -> Char.chr (i * 7 land 127))

let base =
  List.concat
    [
      copied "unit" unit [ () ];
      copied "bool" bool [ true; false ];
      copied "char" char [ 'a'; '\000'; '\255' ];
      copied "int" int [ 0; 1; -1; max_int; min_int ];
      copied "u8" u8 [ 0; 255 ];
      copied "i8" i8 [ -128; 127 ];
      copied "u16" u16 [ 0; 65535 ];
      copied "i16" i16 [ -32768; 32767 ];
      copied "usize" usize [ 0; max_int ];
      copied "u32" u32 Int32.[ zero; max_int ];
      copied "u64" u64 Int64.[ zero; max_int ];
      copied "array_of_bytes" array_of_bytes [ "\000\255ab" ];
      copied "int32" int32 Int32.[ zero; minus_one; max_int; min_int ];
      copied "int64" int64 Int64.[ zero; minus_one; max_int; min_int ];
      copied "nativeint" nativeint Nativeint.[ zero; minus_one; max_int; min_int ];
      copied "float" float [ 0.; -0.; 1.5; infinity; neg_infinity; nan; max_float; epsilon_float; 4e-320 ];
      copied "string" string [ ""; "a"; "grüße"; "seven\000eight"; "1234567"; "12345678"; large ];
      copied "string_of_bytes" byte_string [ ""; all_bytes; large; "\xff" ];
      copied "bytes" bytes [ Bytes.empty; Bytes.of_string all_bytes; Bytes.of_string large ];
    ]

let compound =
  List.concat
    [
      copied "option" option [ None; Some 0; Some min_int ];
      copied "option_of_option" option_option [ None; Some None; Some (Some 7) ];
      copied "result" result [ Ok 7; Error "no" ];
      copied "pair" pair [ (1.5, "a"); (nan, "") ];
      copied "tuple" tuple [ (1, 2.5, "c", Some false, (4l, 5L)); (min_int, nan, "", None, (-1l, -1L)) ];
      copied "list" list [ []; [ "a" ]; List.init 1000 string_of_int ];
      copied "list_of_lists" list_of_lists [ []; [ [] ]; [ [ None ]; []; [ Some 1; None; Some 2 ] ] ];
      copied "linked_list" linked_list [ []; [ "a" ]; List.init 1000 string_of_int ];
      copied "association_list" assoc [ []; [ ("a", 1); ("b", 2) ] ];
      copied "array" array [ [||]; [| "a" |]; Array.init 1000 string_of_int ];
      copied "array_of_ints" int_array [ [||]; [| min_int; 0; max_int |]; Array.init 100_000 Fun.id ];
      copied "array_of_floats" float_array [ [||]; [| 1.5 |]; [| nan; -0. |]; Array.init 100_000 Float.of_int ];
      copied "array_of_arrays" matrix [ [||]; [| [||] |]; [| [| 1.; 2. |]; [||]; [| 3. |] |] ];
    ]

let declared =
  let point = { x = 1.5; y = -0. } in
  List.concat
    [
      copied "record" record [ { name = "n"; age = 7; nick = None }; { name = ""; age = -1; nick = Some "grüße" } ];
      copied "record_of_floats" float_record [ point; { x = nan; y = infinity } ];
      copied "unboxed_record" unboxed [ { text = "t" } ];
      copied "variant" variant
        [ Empty; Unknown; Circle 1.5; Rectangle { width = 1.; height = 2. }; Named ("n", point) ];
      copied "recursive_variant" tree [ Leaf; build 1; build 8 ];
      copied "record_with_parameters" generic
        [ { first = point; second = None }; { first = point; second = Some { text = "t" } } ];
    ]

(* Values that Rust does not look at. *)

type cycle = { mutable next : cycle option }

let polymorphic =
  let through name value = passed name any [ value ] @ passed (name ^ "_in_a_value") ocaml_value [ value ] in
  let cycle = { next = None } in
  cycle.next <- Some cycle;
  List.concat
    [
      through "immediate" 7; through "block" (1, "two"); through "string_value" large; through "boxed_float" 1.5;
      through "float_array_value" [| 1.5; 2.5 |]; through "boxed_int64" 7L; through "closure" (fun x -> x + 1);
      through "lazy_value" (lazy (Sys.opaque_identity 7)); through "exception" (Refused "it"); through "cycle" cycle;
      through "object" (object method m = 7 end); through "abstract" (Lwt_condition.create ());
      through "custom_block" (Mutex.create ()); through "promise_value" (fst (Lwt.wait () : unit Lwt.t * _));
      copied "array_of_anything" any_array [ [||]; [| (1, "a"); (2, "b") |] ];
      copied "array_of_any_floats" any_array [ [| 1.5 |]; [| 1.; 2.; nan; -0. |]; Array.init 1000 float_of_int ];
      copied "array_of_values" value_array [ [||]; [| "a"; "b" |] ];
      copied "array_of_floats_as_values" value_array [ [| 1.5 |]; [| 1.; 2.; nan; -0. |]; Array.init 1000 float_of_int ];
      copied "list_of_any_floats" any_list [ []; [ 1.; 2.; 3. ] ];
      copied "option_of_any_float" any_option [ None; Some 1.5 ];
      copied "pair_of_any_floats" any_pair [ (1.5, 2.5) ];
      copied "result_of_any_float" any_result [ Ok 1.5; Error 2.5 ];
      (let wait, _ = Lwt.wait () in
       passed "promise" promise [ wait; Lwt.return 7 ]);
      passed "function" function_ [ Lwt.return ];
      passed "function_of_now" sync_function [ succ; ( + ) 7 ];
    ]
[@@ocamlformat "disable"]

(* What does not convert is refused by name. *)

let renamed = Rust_half.Values.with_name
let text_of_promise = Rust_half.Values.values_text_of_promise
let text_of_function = Rust_half.Values.values_text_of_function

let refused name call expected =
  law_now name (fun () ->
      match call () with
      | (_ : _ Lwt.t) -> Alcotest.fail "accepted"
      | exception Invalid_argument message -> check_string "message" expected message)

let rejected name promise prefix =
  law name (fun () ->
      let+ ending = ending (promise ()) in
      match ending with
      | Error (Invalid_argument message) -> check_bool message true (starts_with ~prefix message)
      | Error exn -> raise exn
      | Ok _ -> Alcotest.fail "accepted")

let person = { name = "n"; age = 7; nick = None }
let utf8 at length = Printf.sprintf "not valid UTF-8 (byte %d of %d); take a ByteBuf for bytes that are not text" at length

let refusals =
  [
    refused "string_that_is_not_utf8_is_refused_by_name"
      (fun () -> string "ab\xff" false)
      ("values_string: argument 1 (value): " ^ utf8 2 3);
    refused "argument_has_its_number_and_the_function_its_symbol"
      (fun () -> renamed 1 "\xc3" person)
      ("values_by_another_name: argument 2 (text): " ^ utf8 0 1);
    refused "text_inside_a_record_is_refused_by_name"
      (fun () -> renamed 1 "a" { person with nick = Some "\xff" })
      "values_by_another_name: argument 3 (_after): Invalid UTF-8: Utf8Error { valid_up_to: 0, error_len: Some(1) }";
    refused "constructor_that_does_not_exist_is_refused_by_name"
      (fun () -> variant (Obj.magic 7) false)
      "values_variant: argument 1 (value): invalid variant, tag: 7";
    rejected "text_of_a_promise_that_is_not_utf8_is_an_error"
      (fun () -> text_of_promise (Lwt.return "\xff"))
      "the value of an OCaml promise does not convert: not valid UTF-8 (byte 0 of 1)";
    rejected "text_of_a_later_promise_that_is_not_utf8_is_an_error"
      (fun () -> text_of_promise (Lwt.map (fun () -> "\xff") (Lwt.pause ())))
      "the value of an OCaml promise does not convert: not valid UTF-8 (byte 0 of 1)";
    rejected "text_of_a_function_that_is_not_utf8_is_an_error"
      (fun () -> text_of_function (fun () -> "\xff"))
      "the value of an OCaml function does not convert: not valid UTF-8 (byte 0 of 1)";
  ]

(* Numbers that do not fit. *)

let does_not_fit =
  let does_not_fit number rust least most =
    Printf.sprintf "%s does not fit into %s, which is from %s to %s" number rust least most
  in
  let refused name number call =
    let (rust, least, most) =
      match name with
      | "u8" -> ("a Rust u8", "0", "255")
      | "i8" -> ("a Rust i8", "-128", "127")
      | "u16" -> ("a Rust u16", "0", "65535")
      | "i16" -> ("a Rust i16", "-32768", "32767")
      | "u32" -> ("a Rust u32", "0", "4294967295")
      | _ -> ("a Rust " ^ name, "0", "18446744073709551615")
    in
    refused
      (Printf.sprintf "%s_does_not_fit_into_%s" number name)
      call
      (Printf.sprintf "values_%s: argument 1 (value): %s" name (does_not_fit number rust least most))
  in
  let inside name call =
    law_now ("number_in_" ^ name ^ "_does_not_fit") (fun () ->
        match call () with
        | (_ : _ Lwt.t) -> Alcotest.fail "accepted"
        | exception Invalid_argument message -> check_bool message true (contains ~part:" does not fit into a Rust " message))
  in
  let panics name promise expected =
    law name (fun () ->
        let+ ending = ending (promise ()) in
        match ending with
        | Error (Rust_async.Rust_panic { message; _ }) -> check_string "message" expected message
        | Error exn -> raise exn
        | Ok _ -> Alcotest.fail "accepted")
  in
  let too_large which number ocaml =
    let least, most =
      match ocaml with
      | "int" -> (string_of_int min_int, string_of_int max_int)
      | "int32" -> (Int32.to_string Int32.min_int, Int32.to_string Int32.max_int)
      | _ -> (Int64.to_string Int64.min_int, Int64.to_string Int64.max_int)
    in
    panics
      (Printf.sprintf "%s_of_rust_does_not_fit_into_%s_%d" number ocaml which)
      (fun () -> too_large which)
      (does_not_fit number ("an OCaml " ^ ocaml) least most)
  in
  let largest_word = "18446744073709551615" and int = "9223372036854775807" in
  [
    refused "u8" "300" (fun () -> u8 300 false);
    refused "u8" "-1" (fun () -> u8 (-1) false);
    refused "i8" "128" (fun () -> i8 128 false);
    refused "u16" "65536" (fun () -> u16 65536 false);
    refused "i16" "-32769" (fun () -> i16 (-32769) false);
    refused "usize" "-1" (fun () -> usize (-1) false);
    refused "u32" "-1" (fun () -> u32 (-1l) false);
    refused "u64" "-1" (fun () -> u64 (-1L) false);
    inside "an_option" (fun () -> u8_option (Some 256) false);
    inside "a_list" (fun () -> u8_list [ 1; 256 ] false);
    inside "a_linked_list" (fun () -> u8_linked_list [ 1; 256 ] false);
    inside "an_array" (fun () -> u8_array [| 1; 256 |] false);
    inside "an_association_list" (fun () -> u8_assoc [ (1, 128) ] false);
    law_now "string_of_another_length_is_refused" (fun () ->
        match array_of_bytes "abc" false with
        | (_ : _ Lwt.t) -> Alcotest.fail "accepted"
        | exception Invalid_argument message ->
            check_string "message" "values_array_of_bytes: argument 1 (value): a string of 3 bytes, where 4 were asked for" message);
    too_large 0 int "int";
    too_large 1 "-9223372036854775808" "int";
    too_large 2 "4611686018427387904" "int";
    too_large 3 "-4611686018427387905" "int";
    too_large 4 largest_word "int";
    too_large 5 "4611686018427387904" "int";
    too_large 6 "4294967295" "int32";
    too_large 7 "2147483648" "int32";
    too_large 8 largest_word "int64";
    too_large 9 "9223372036854775808" "int64";
    panics "result_that_does_not_fit_is_a_panic" too_large_by_itself
      (does_not_fit int "an OCaml int" (string_of_int min_int) (string_of_int max_int));
    law "largest_numbers_fit" (fun () ->
        let+ (most, least, usize, int32, int64) = largest () in
        check_bool "they are OCaml's" true
          ((most, least, usize, int32, int64) = (max_int, min_int, max_int, Int32.max_int, Int64.max_int)));
    law "argument_of_a_function_that_does_not_fit_ends_the_call" (fun () ->
        let+ messages = give_too_large (fun _ -> Alcotest.fail "called") (fun _ -> Alcotest.fail "called") in
        Array.iter (fun message -> check_bool message true (contains ~part:" does not fit into an OCaml int" message)) messages);
    law "value_that_does_not_fit_is_an_error" (fun () ->
        let+ messages = take_too_large (Lwt.return 256) (fun () -> Some (-1)) in
        Alcotest.(check (array string)) "messages"
          [|
            "the value of an OCaml promise does not convert: " ^ does_not_fit "256" "a Rust u8" "0" "255";
            "the value of an OCaml function does not convert: " ^ does_not_fit "-1" "a Rust usize" "0" largest_word;
          |]
          messages);
  ]
[@@ocamlformat "disable"]

(* An array is flat if it is one of floats, whoever makes it. *)

let arrays_of_floats =
  let floats = [| 1.; 2.; 3. |] in
  let mixed = Obj.magic [ Obj.repr 1.5; Obj.repr "a" ] in
  [
    law "elements_of_an_array_of_floats_are_each_itself" (fun () ->
        let+ came = list_of_array floats in
        check_bool "the list" true (came = [ 1.; 2.; 3. ]));
    law "elements_of_an_array_of_floats_survive_a_compaction" (fun () ->
        let+ came = list_of_array (Array.init 1000 float_of_int) in
        Gc.compact ();
        check_bool "the list" true (came = List.init 1000 float_of_int));
    law "array_of_any_floats_is_flat" (fun () ->
        let+ (came : float array) = array_of_list [ 1.; 2.; 3. ] in
        check_bool "the array" true (same_copy floats came);
        came.(1) <- 7.;
        Gc.compact ();
        check_bool "an array as any other" true (came = [| 1.; 7.; 3. |]));
    law "array_of_some_floats_is_refused" (fun () ->
        let+ ending = ending (array_of_list mixed) in
        match ending with
        | Error (Rust_async.Rust_panic { message; _ }) ->
            check_string "message"
              "an array of 2 elements holds 1 floats: the elements of an OCaml array are all floats, or none is" message
        | Error exn -> raise exn
        | Ok (_ : Obj.t array) -> Alcotest.fail "accepted");
  ]
[@@ocamlformat "disable"]

let () =
  Alcotest.run "values"
    [
      ("base types", base); ("compound types", compound); ("declared types", declared);
      ("polymorphic values", polymorphic); ("refusals", refusals); ("numbers that do not fit", does_not_fit); ("arrays of floats", arrays_of_floats);
    ]
