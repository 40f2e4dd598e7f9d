(* Records and variants by the bridge's own derives: there and back, whether they fit into one allocation or not, and beside
   parts whose conversion collects. *)

open Lwt.Syntax
open Law
open Declared

type metres = Metres of float [@@unboxed]
type name = Name of { text : string } [@@unboxed]
type box = { width : metres; height : metres; depth : float }

type single = Single of float [@@boxed]
type 'a tagged = Tagged of 'a [@@unboxed]
type tagged_floats = { type_ : float tagged; visitor : metres tagged }
type tagged_arrays = { frame : float tagged array; block : string tagged }
type 'a generic_list = Nil | Cons of 'a * 'a generic_list
type span = { from : float; till : float }

type all = {
  unit : unit;
  truth : bool;
  letter : char;
  small : int;
  int32 : int32;
  int64 : int64;
  nativeint : nativeint;
  float : float;
  bytes : bytes;
  tuple : int * float * string;
  result : (int, string) result;
  list : int option list;
  lists : string list list;
  array : string array;
  floats : float array;
  lengths : metres array;
  points : point array;
  unboxed : name;
  pair : (point, name option) pair;
  shapes : shape list;
}

(* A part that only ocaml-rs converts, and which collects meanwhile. *)
type collecting = int option

type inner = Plain of string | Collecting of { text : string; it : collecting; again : string } | Nothing

type 'a mixed = {
  before : string;
  first : collecting;
  between : string array;
  assoc : (string * int) list;
  inner : inner list;
  any : 'a;
  after : string option;
}

external person : person -> bool -> person Lwt.t = "interop_tests__records_person"
let point = Rust_half.Records.records_point
let metres = Rust_half.Records.records_metres
external name : name -> bool -> name Lwt.t = "interop_tests__records_name"
let box = Rust_half.Records.records_box
let shape = Rust_half.Records.records_shape
external tree : tree -> bool -> tree Lwt.t = "interop_tests__records_tree"
let pair = Rust_half.Records.records_pair
let pair_of_floats = Rust_half.Records.records_pair_of_floats
external tuple : float * float -> bool -> (float * float) Lwt.t = "interop_tests__records_tuple"
let single = Rust_half.Records.records_single
let tagged_floats = Rust_half.Records.records_tagged_floats
let tagged_arrays = Rust_half.Records.records_tagged_arrays
external generic_list : float generic_list -> bool -> float generic_list Lwt.t = "interop_tests__records_generic_list"
external list_of_any : 'a generic_list -> bool -> 'a generic_list Lwt.t = "interop_tests__records_list_of_any"
external span : span -> bool -> span Lwt.t = "interop_tests__records_span"
external all : all -> bool -> all Lwt.t = "interop_tests__records_all"
external many : all list -> bool -> all list Lwt.t = "interop_tests__records_many"
external mixed : 'a mixed -> bool -> 'a mixed Lwt.t = "interop_tests__records_mixed"
let converted = Rust_half.Records.records_converted

type borrowed = { name : string; points : point array }

external borrowed : int -> borrowed Lwt.t = "interop_tests__records_borrowed"

let check_same what a b =
  if not (same_copy a b) then Alcotest.failf "%s came back as another" what

let copied what echo samples =
  let law_of suffix yields =
    law (what ^ "_is_copied" ^ suffix) (fun () ->
        Lwt_list.iteri_s
          (fun i value ->
            let promise = echo value yields in
            if yields then Gc.compact ();
            let+ came = promise in
            (* What was made word by word is a heap as any other. *)
            if i mod 8 = 0 then Gc.compact () else Gc.minor ();
            check_same (Printf.sprintf "sample %d" i) value came)
          samples)
  in
  [ law_of "/at_once" false; law_of "/across_an_await" true ]

(* Every length around the end of a word, and around what fits into one allocation of 256 words. *)
let lengths = List.init 18 Fun.id @ List.init 80 (fun i -> 1960 + i) @ [ 4000; 100_000 ]
let text length = String.init length (fun i -> Char.chr (97 + (i mod 26)))
let rec slant depth = if depth = 0 then Leaf else Node (Leaf, depth, slant (depth - 1))

let everything n =
  let text = text n in
  {
    unit = ();
    truth = n mod 2 = 0;
    letter = 'x';
    small = -7 * (n mod 1000);
    int32 = Int32.(if n mod 3 = 0 then min_int else of_int n);
    int64 = Int64.(if n mod 3 = 0 then min_int else of_int n);
    nativeint = Nativeint.(if n mod 3 = 0 then min_int else of_int n);
    float = (if n mod 3 = 0 then nan else float_of_int n);
    bytes = Bytes.make n '\xff';
    tuple = (n, -0., text);
    result = (if n mod 2 = 0 then Ok n else Error text);
    list = List.init (n mod 7) (fun i -> if i mod 2 = 0 then Some i else None);
    lists = List.init (n mod 5) (fun i -> List.init i (fun _ -> text));
    array = Array.init (n mod 4) (fun _ -> text);
    floats = Array.init (n mod 300) float_of_int;
    lengths = Array.init (n mod 3) (fun i -> Metres (float_of_int i));
    points = Array.init (n mod 3) (fun i -> { x = float_of_int i; y = nan });
    unboxed = Name { text };
    pair = { first = { x = 1.5; y = 2.5 }; second = (if n mod 2 = 0 then None else Some (Name { text })) };
    shapes = [ Empty; Circle 1.5; Rectangle { width = 1.; height = 2. }; Unknown; Named (text, { x = 0.; y = 1. }) ];
  }

let rec generic n = if n = 0 then Nil else Cons (float_of_int n, generic (n - 1))

let declared =
  List.concat
    [
      copied "record" person
        ({ name = ""; age = min_int; nick = Some "grüße" }
        :: List.map (fun n -> { name = text n; age = n; nick = (if n mod 2 = 0 then None else Some (text n)) }) lengths);
      copied "record_of_floats" point [ { x = 1.5; y = -0. }; { x = nan; y = infinity } ];
      copied "unboxed_float" metres [ Metres 1.5; Metres nan ];
      copied "unboxed_record" name (List.map (fun n -> Name { text = text n }) lengths);
      copied "record_of_unboxed_floats" box [ { width = Metres 1.; height = Metres nan; depth = 0.5 } ];
      copied "variant" shape
        [ Empty; Unknown; Circle 1.5; Rectangle { width = 1.; height = 2. }; Named (text 3000, { x = 1.; y = 2. }) ];
      copied "recursive_variant" tree [ Leaf; build 1; build 4; build 5; build 6; build 9; slant 3; slant 3000 ];
      copied "record_with_parameters" pair
        [ { first = { x = 1.; y = 2. }; second = None }; { first = { x = 1.; y = 2. }; second = Some (Name { text = text 3000 }) } ];
      copied "record_with_float_parameters" pair_of_floats [ { first = 1.5; second = nan } ];
      copied "tuple_of_floats" tuple [ (1.5, nan) ];
      copied "constructor_of_a_float" single [ Single 1.5 ];
      copied "record_of_tagged_floats" tagged_floats [ { type_ = Tagged 1.5; visitor = Tagged (Metres nan) } ];
      copied "array_of_tagged_floats" tagged_arrays
        [ { frame = [||]; block = Tagged "" }; { frame = [| Tagged 1.5; Tagged nan |]; block = Tagged (text 3000) } ];
      copied "recursive_variant_with_parameters" generic_list [ Nil; generic 1; generic 200 ];
      copied "record_of_floats_that_only_ocaml_rs_reads" span [ { from = 1.5; till = nan } ];
      copied "record_of_everything" all (List.init 60 everything @ [ everything 2000; everything 2999 ]);
      copied "list_of_records" many [ []; List.init 40 everything; [ everything 5000 ] ];
    ]
[@@ocamlformat "disable"]

(* Each time a part is converted the whole heap moves. *)
let beside_collections =
  let law_of suffix yields =
    law ("parts_survive_a_part_that_collects" ^ suffix) (fun () ->
        let sample n =
          {
            before = text n;
            first = Some n;
            between = Array.init 3 text;
            assoc = [ (text 5, 1); (text 6, 2) ];
            inner = [ Plain (text n); Collecting { text = text n; it = Some 7; again = text n }; Nothing;
                      Collecting { text = "a"; it = Some 8; again = "b" } ];
            any = ref (text n);
            after = Some (text n);
          }
        in
        let* (_ : int) = converted () in
        let* () =
          Lwt_list.iter_s
            (fun n ->
              let value = sample n in
              let+ came = mixed value yields in
              check_bool "what passes through is the same" true (came.any == value.any);
              check_same "a mixed record" value came)
            [ 0; 3; 300; 3000 ]
        in
        let+ times = converted () in
        check_int "conversions that collected" (4 * 3 * 2) times)
  in
  [ law_of "/at_once" false; law_of "/across_an_await" true ]
[@@ocamlformat "disable"]

type 'a anything = { before : string; values : 'a array }

external last : 'a anything -> 'a Lwt.t = "interop_tests__records_last"

let passing =
  [
    law "value_out_of_a_flat_array_is_copied" (fun () ->
        let floats = Array.init 300 float_of_int in
        let promise = last { before = text 30; values = floats } in
        Gc.compact ();
        let+ came = promise in
        check_bool "the last one" true (came = 299.));
    law "value_out_of_an_array_is_the_same" (fun () ->
        let a = ref 1 in
        let+ came = last { before = ""; values = [| ref 0; a |] } in
        check_bool "the last one" true (came == a));
    law "values_that_pass_through_are_the_same" (fun () ->
        let a = ref 1 and b = ref 2 in
        let+ came = list_of_any (Cons (a, Cons (b, Nil))) true in
        match came with
        | Cons (a', Cons (b', Nil)) -> check_bool "the same" true (a == a' && b == b')
        | _ -> Alcotest.fail "another list");
  ]

(* Records of floats, of which Rust knows one as any value. *)

type floats = { x : float; any : float; y : float }
type 'a between = { x : float; any : 'a; y : float }
type two_floats = { first : float; second : float }

external floats_apart : floats -> (float * float * float) Lwt.t = "interop_tests__records_any_between_floats_apart"
external between_apart : 'a between -> (float * 'a * float) Lwt.t = "interop_tests__records_any_between_floats_apart"
external any_between : 'a between -> bool -> 'a between Lwt.t = "interop_tests__records_any_between_floats"
external any_floats : floats -> bool -> floats Lwt.t = "interop_tests__records_any_between_floats"
external one_between : 'a between -> bool -> 'a between Lwt.t = "interop_tests__records_one_between_floats"
external two_of_any : ('a, 'b) pair -> bool -> ('a, 'b) pair Lwt.t = "interop_tests__records_two_of_any"
external two_apart : ('a, 'b) pair -> ('a * 'b) Lwt.t = "interop_tests__records_two_of_any_apart"
external two_floats_apart : two_floats -> (float * float) Lwt.t = "interop_tests__records_two_of_any_apart"

let between =
  let cannot_be_known promise =
    let+ ending = Lwt.try_bind promise Lwt.return_ok Lwt.return_error in
    match ending with
    | Error (Rust_async.Rust_panic { message; _ }) ->
        check_bool message true (starts_with ~prefix:"a record holds nothing but floats, and a field whose Rust type is any value" message)
    | Error exn -> raise exn
    | Ok _ -> Alcotest.fail "accepted"
  in
  [
    law "flat_record_with_a_field_of_any_type_is_read" (fun () ->
        let+ came = floats_apart { x = 1.5; any = 2.5; y = 3.5 } in
        Gc.compact ();
        check_bool "the fields" true (came = (1.5, 2.5, 3.5)));
    law "record_with_a_parameter_that_is_float_is_read" (fun () ->
        let+ came = between_apart { x = 1.5; any = 2.5; y = 3.5 } in
        check_bool "the fields" true (came = (1.5, 2.5, 3.5)));
    law "record_with_a_parameter_is_read" (fun () ->
        let+ came = between_apart { x = 1.5; any = "a"; y = 3.5 } in
        check_bool "the fields" true (came = (1.5, "a", 3.5)));
    law "flat_record_of_any_values_is_read" (fun () ->
        let+ came = two_floats_apart { first = 1.5; second = 2.5 } in
        Gc.compact ();
        check_bool "the fields" true (came = (1.5, 2.5)));
    law "record_of_any_values_is_read" (fun () ->
        let+ came = two_apart { first = 1.5; second = "a" } in
        check_bool "the fields" true (came = (1.5, "a")));
    law "record_of_floats_with_a_field_of_any_type_is_refused" (fun () ->
        cannot_be_known (fun () -> any_floats { x = 1.5; any = 2.5; y = 3.5 } true));
    law "record_of_floats_with_a_parameter_is_refused" (fun () ->
        cannot_be_known (fun () -> any_between { x = 1.5; any = 2.5; y = 3.5 } true));
    law "record_of_any_floats_is_refused" (fun () ->
        cannot_be_known (fun () -> two_of_any { first = 1.5; second = 2.5 } true));
  ]
  @ copied "record_with_a_field_of_any_type" any_between [ { x = 1.5; any = "a"; y = nan } ]
  @ copied "record_with_a_parameter" one_between [ { x = 1.5; any = 2.5; y = nan } ]
  @ copied "record_of_any_values" two_of_any [ { first = 1.5; second = "a" } ]
[@@ocamlformat "disable"]

let refused what call expected =
  law_now what (fun () ->
      match call () with
      | (_ : _ Lwt.t) -> Alcotest.fail "accepted"
      | exception Invalid_argument message -> check_string "message" expected message)

let refusals =
  [
    refused "text_inside_a_record_is_refused_by_name"
      (fun () -> person { name = "ab\xff"; age = 1; nick = None } false)
      "records_person: argument 1 (value): not valid UTF-8 (byte 2 of 3); take a ByteBuf for bytes that are not text";
    refused "constructor_that_does_not_exist_is_refused_by_name"
      (fun () -> shape (Obj.magic 7) false)
      "records_shape: argument 1 (value): the enum Shape has no constructor without arguments of number 7";
    refused "tag_that_does_not_exist_is_refused_by_name"
      (fun () -> shape (Obj.magic (Obj.with_tag 9 (Obj.repr (Some 7)))) false)
      "records_shape: argument 1 (value): the enum Shape has no constructor with arguments of number 9";
  ]

let borrowing =
  [
    law "borrowed_record_is_copied" (fun () ->
        Lwt_list.iter_s
          (fun n ->
            let+ came = borrowed n in
            check_same "a borrowed record" { name = String.make n 'n'; points = [| { x = 1.5; y = 2.5 } |] } came)
          lengths);
  ]

(* Conversions while the minor heap has 0, 2, 4, … words left: no block is smaller. *)
let at_a_full_minor_heap =
  let values = [ everything 20; everything 33 ] in
  List.init 160 (fun n ->
      law (Printf.sprintf "records_survive_a_collection_after_%d_words" (2 * n)) (fun () ->
          Minor_heap.disturbing
            (fun () -> Minor_heap.fill (2 * n))
            (fun () ->
              Minor_heap.fill (2 * n);
              let* came = many values true in
              check_same "a list" values came;
              Minor_heap.fill (2 * n);
              let+ came = all (List.hd values) false in
              check_same "a record" (List.hd values) came)))

let () =
  Alcotest.run "records"
    [
      ("there and back", declared); ("borrowed", borrowing); ("records of floats", between); ("parts that collect", beside_collections @ passing);
      ("refusals", refusals); ("a collection at every allocation", at_a_full_minor_heap);
    ]
[@@ocamlformat "disable"]
