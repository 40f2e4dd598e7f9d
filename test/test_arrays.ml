(* Bigarrays that cross: of every kind, there and back, and those of Rust's memory. *)

open Lwt.Syntax
open Law
open Probe
open Bigarray
open Array_law

type ('a, 'b) array1 = ('a, 'b, c_layout) Array1.t
type way = Rust_half.way_to_block = AtHome | Blocking

let back = Rust_half.Arrays.arrays_back
let back_now = Rust_half.Arrays.arrays_back_now
let part_back = Rust_half.Arrays.arrays_part_back
let halves = Rust_half.Arrays.arrays_halves
let promised = Rust_half.Arrays.arrays_promised
let call = Rust_half.Arrays.arrays_call
let hand_back = Rust_half.Arrays.arrays_hand_back
let chunks = Rust_half.Arrays.arrays_chunks
let fill_each = Rust_half.Arrays.arrays_fill_each
let tokio = Rust_half.Arrays.arrays_tokio
let touch = Rust_half.Arrays.arrays_touch
let made = Rust_half.Arrays.arrays_made
let made_with_room = Rust_half.Arrays.arrays_made_with_room
let twice = Rust_half.Arrays.arrays_twice

(* Kinds. *)

let kind_law name (kind : ('a, 'b) kind) (values : 'a list) (reverse : ('a, 'b) array1 -> bool -> unit Lwt.t)
    (reversed : ('a, 'b) array1 -> ('a, 'b) array1 Lwt.t) =
  law (name ^ "_crosses_there_and_back") (fun () ->
      let expected = Array1.of_array kind c_layout (Array.of_list (List.rev values)) in
      let array = Array1.of_array kind c_layout (Array.of_list values) in
      let* () = reverse array false in
      check_bool "written at once" true (compare array expected = 0);
      let* made = reversed array in
      check_bool "it is not changed" true (compare array expected = 0);
      check_bool "a copy comes" true (compare made (Array1.of_array kind c_layout (Array.of_list values)) = 0);
      check_bool "of the kind" true (Array1.kind made = kind && Array1.layout made = c_layout);
      let* () = reverse made true in
      check_bool "what Rust made is lent" true (compare made expected = 0);
      check_bool "and marshalled" true (compare (Marshal.from_string (Marshal.to_string made []) 0) made = 0);
      check_int "and hashed" (Hashtbl.hash array) (Hashtbl.hash made);
      let empty = Array1.create kind c_layout 0 in
      let* () = reverse empty true in
      let+ made = reversed empty in
      check_int "nothing comes of nothing" 0 (Array1.dim made))

let reverse_char = Rust_half.Arrays.arrays_reverse_char
let reverse_int8_unsigned = Rust_half.Arrays.arrays_reverse_int8_unsigned
let reversed_int8_unsigned = Rust_half.Arrays.arrays_reversed_int8_unsigned
let reverse_int8_signed = Rust_half.Arrays.arrays_reverse_int8_signed
let reversed_int8_signed = Rust_half.Arrays.arrays_reversed_int8_signed
let reverse_int16_unsigned = Rust_half.Arrays.arrays_reverse_int16_unsigned
let reversed_int16_unsigned = Rust_half.Arrays.arrays_reversed_int16_unsigned
let reverse_int16_signed = Rust_half.Arrays.arrays_reverse_int16_signed
let reversed_int16_signed = Rust_half.Arrays.arrays_reversed_int16_signed
let reverse_int32 = Rust_half.Arrays.arrays_reverse_int32
let reversed_int32 = Rust_half.Arrays.arrays_reversed_int32
let reverse_int64 = Rust_half.Arrays.arrays_reverse_int64
let reversed_int64 = Rust_half.Arrays.arrays_reversed_int64
let reverse_int = Rust_half.Arrays.arrays_reverse_int
let reversed_int = Rust_half.Arrays.arrays_reversed_int
let reverse_nativeint = Rust_half.Arrays.arrays_reverse_nativeint
let reversed_nativeint = Rust_half.Arrays.arrays_reversed_nativeint
let reverse_float32 = Rust_half.Arrays.arrays_reverse_float32
let reversed_float32 = Rust_half.Arrays.arrays_reversed_float32
let reverse_float64 = Rust_half.Arrays.arrays_reverse_float64
let reversed_float64 = Rust_half.Arrays.arrays_reversed_float64
let reverse_complex32 = Rust_half.Arrays.arrays_reverse_complex32
let reversed_complex32 = Rust_half.Arrays.arrays_reversed_complex32
let reverse_complex64 = Rust_half.Arrays.arrays_reverse_complex64
let reversed_complex64 = Rust_half.Arrays.arrays_reversed_complex64
let count_2 = Rust_half.Arrays.arrays_count_2
let count_3 = Rust_half.Arrays.arrays_count_3
let count_4 = Rust_half.Arrays.arrays_count_4
let made_2 = Rust_half.Arrays.arrays_made_2
let made_4 = Rust_half.Arrays.arrays_made_4
[@@ocamlformat "disable"]

let kinds =
  let floats = [ 1.5; -0.25; infinity; 0. ] and complex = Complex.[ { re = 1.5; im = -2. }; i; zero ] in
  [
    kind_law "char" char [ 'a'; '\000'; '\255' ] reverse_char reversed_char;
    kind_law "int8_unsigned" int8_unsigned [ 0; 1; 255 ] reverse_int8_unsigned reversed_int8_unsigned;
    kind_law "int8_signed" int8_signed [ -128; 0; 127 ] reverse_int8_signed reversed_int8_signed;
    kind_law "int16_unsigned" int16_unsigned [ 0; 1; 65535 ] reverse_int16_unsigned reversed_int16_unsigned;
    kind_law "int16_signed" int16_signed [ -32768; 0; 32767 ] reverse_int16_signed reversed_int16_signed;
    kind_law "int32" int32 [ Int32.min_int; 0l; Int32.max_int ] reverse_int32 reversed_int32;
    kind_law "int64" int64 [ Int64.min_int; 0L; Int64.max_int ] reverse_int64 reversed_int64;
    kind_law "int" int [ min_int; 0; max_int ] reverse_int reversed_int;
    kind_law "nativeint" nativeint [ Nativeint.min_int; 0n; Nativeint.max_int ] reverse_nativeint reversed_nativeint;
    kind_law "float32" float32 floats reverse_float32 reversed_float32;
    kind_law "float64" float64 floats reverse_float64 reversed_float64;
    kind_law "complex32" complex32 complex reverse_complex32 reversed_complex32;
    kind_law "complex64" complex64 complex reverse_complex64 reversed_complex64;
    law "arrays_of_more_dimensions_are_row_major" (fun () ->
        let matrix = Array2.create float64 c_layout 2 3 in
        let* dims = count_2 matrix in
        check_bool "dimensions" true (dims = (2, 3));
        check_bool "elements" true (matrix.{0, 0} = 0. && matrix.{0, 2} = 2. && matrix.{1, 2} = 5.);
        let cube = Array3.create int32 c_layout 2 3 4 in
        let* dims = count_3 cube in
        check_bool "dimensions" true (dims = (2, 3, 4));
        check_bool "elements" true (cube.{0, 1, 0} = 4l && cube.{1, 2, 3} = 23l);
        let four = Genarray.create int16_unsigned c_layout [| 2; 3; 4; 5 |] in
        let* dims = count_4 four in
        check_bool "dimensions" true (dims = (2, 3, 4, 5));
        check_int "elements" 119 (Genarray.get four [| 1; 2; 3; 4 |]);
        let* made = made_2 2 3 in
        check_bool "what Rust makes" true (compare made matrix = 0);
        let+ made = made_4 3 in
        check_bool "dimensions" true (Genarray.dims made = [| 3; 3; 3; 3 |]);
        check_int "elements" 80 (Char.code (Genarray.get made [| 2; 2; 2; 2 |])));
  ]

(* Back and forth. *)

let crossings =
  List.concat
    [
      [
        law "lent_array_that_goes_back_is_the_same" (fun () ->
            let array = of_string "abc" in
            let* came = back array in
            check_bool "the same" true (came == array);
            check_string "what Rust wrote" "9 9 9" (numbers came);
            check_bool "the same" true (back_now array == array);
            check_int "it is OCaml's" 3 (Array1.dim array);
            let empty = of_string "" in
            check_bool "an empty one too" true (back_now empty == empty);
            Lwt.return_unit);
        law "part_of_a_lent_array_does_not_go_back" (fun () ->
            let array = of_string "abc" in
            let* ended = ending (part_back array) in
            (match ended with
            | Error (Rust_async.Rust_panic { message; _ }) -> check_bool message true (contains message ~part:"drop those before")
            | _ -> Alcotest.fail "no panic");
            check_lent array;
            let+ () = let_go Thread in
            check_array "unchanged" "abc" array);
        law "two_threads_write_to_a_half_each" (fun () ->
            let array = of_string "abcde" in
            let+ () = halves array in
            check_string "what Rust wrote" "1 1 2 2 2" (numbers array));
        law "tokio_reads_and_writes_lent_memory" (fun () ->
            let text = String.init 1000 (fun n -> Char.chr (n land 255)) in
            let from = of_string text and into = of_string (String.make 1000 ' ') in
            let+ () = tokio from into in
            check_array "what came" text into;
            check_array "what went" text from);
        law "chunks_of_a_rust_stream_are_arrays" (fun () ->
            let* arrays = Lwt_stream.to_list (chunks 100 3) in
            check_int "so many" 100 (List.length arrays);
            List.iteri (fun n array -> check_string "chunk" (Printf.sprintf "%d %d %d" n n n) (numbers array)) arrays;
            let+ () = Lwt_list.iter_s (fun array -> two array (of_string "")) arrays in
            List.iter (fun array -> check_string "what Rust wrote" "1 1 1" (numbers array)) arrays);
      ];
      everywhere "items_of_an_ocaml_stream_are_lent" (fun place ->
          let arrays = List.init 40 (fun _ -> of_string "ab") in
          let* number = fill_each place (Lwt_stream.of_list arrays) in
          check_int "so many" 40 number;
          List.iteri (fun n array -> check_string "what Rust wrote" (Printf.sprintf "%d %d" (n + 1) (n + 1)) (numbers array)) arrays;
          Lwt.return_unit);
      everywhere "value_of_a_promise_is_lent" (fun place ->
          let array = of_string "abc" in
          let* () = promised place (Lwt.return array) in
          check_string "what Rust wrote" "5 5 5" (numbers array);
          let* () = promised place (Lwt.map (fun () -> array) (Lwt.pause ())) in
          let* ended = ending (promised place (Lwt.return (Array1.sub array 0 1))) in
          (match ended with
          | Error exn -> check_bool (Printexc.to_string exn) true (contains (Printexc.to_string exn) ~part:"shares its memory")
          | Ok () -> Alcotest.fail "not refused");
          Lwt.return_unit);
      List.concat_map
        (fun (way, whose) ->
          everywhere ("functions_" ^ whose ^ "_take_and_give_arrays") (fun place ->
              let array = of_string "abc" and came = ref "" in
              let+ () =
                call way place (fun made ->
                    came := numbers made;
                    array)
              in
              check_string "what Rust gave" "4 4 4" !came;
              check_string "what Rust wrote" "6 6 6" (numbers array)))
        [ (AtHome, "at_home"); (Blocking, "of_blocking_calls") ];
      everywhere "array_that_is_handed_to_an_ocaml_function_is_back" (fun place ->
          let array = of_string "abc" and came = ref "" in
          let+ () =
            hand_back place array (fun same ->
                check_bool "the same" true (same == array);
                came := numbers same;
                Lwt.return_unit)
          in
          check_string "what Rust wrote" "8 8 8" !came);
    ]

(* Memory. *)

let live () = now (live_memory ())
let megabyte = 1 lsl 20

(* What Rust has allocated, once the GC has run, is so much. *)
let until_live what expected =
  eventually what
    (fun () ->
      Gc.full_major ();
      let live = live () in
      if abs (live - expected) < 4096 then "as expected" else Printf.sprintf "%d bytes, expected %d" live expected)
    "as expected"

let memory =
  [
    law "a_hundred_megabytes_are_lent_without_a_copy" (fun () ->
        let size = 100 * megabyte in
        let array = Array1.create char c_layout size in
        array.{0} <- '\000';
        array.{size - 1} <- '\000';
        let* address = touch array in
        let before = live () in
        let rec again n =
          if n = 0 then Lwt.return_unit
          else
            let* another = touch array in
            check_int "where it is" address another;
            again (n - 1)
        in
        let* () = again 999 in
        check_bool "memory of Rust's" true (abs (live () - before) < 4096);
        check_int "the first" (1000 land 255) (Char.code array.{0});
        check_int "the last" (1000 land 255) (Char.code array.{size - 1});
        Lwt.return_unit);
    law "memory_of_rust_is_freed_by_the_collector" (fun () ->
        let before = live () in
        let* array = made megabyte in
        check_int "its length" megabyte (Array1.dim array);
        check_bool "it is what came" true (array.{0} = 'r' && array.{megabyte - 1} = 'r');
        check_bool "it is there" true (live () - before >= megabyte);
        let* address = touch array in
        let* another = touch array in
        check_int "where it is" address another;
        ignore (Sys.opaque_identity array);
        until_live "the memory" before);
    law "memory_of_rust_is_freed_when_its_last_part_is" (fun () ->
        let before = live () in
        let part_of array = Array1.sub (Array1.sub array 10 100) 5 10 in
        let part = ref (Some (Sys.opaque_identity part_of (made_with_room megabyte megabyte))) in
        let* () = Lwt.pause () in
        for _ = 1 to 3 do
          Gc.compact ()
        done;
        check_bool "it is there" true (live () - before >= megabyte);
        let alone = Option.get !part in
        check_array "its part" (String.make 10 'r') alone;
        let* () = two alone (of_string "") in
        check_string "what Rust wrote" (numbers (of_string (String.make 10 '\001'))) (numbers alone);
        part := None;
        ignore (Sys.opaque_identity alone);
        until_live "the memory" before);
    law "memory_with_room_is_freed_to_the_byte" (fun () ->
        let before = live () in
        let* () =
          let array = made_with_room 10 (2 * megabyte) in
          check_int "its length" 10 (Array1.dim array);
          check_array "what came" (String.make 10 'r') array;
          check_int "without elements" 0 (Array1.dim (made_with_room 0 0));
          check_int "without elements, with room" 0 (Array1.dim (made_with_room 0 megabyte));
          Lwt.return_unit
        in
        until_live "the memory" before);
    law "collector_knows_how_large_arrays_of_rust_are" (fun () ->
        let before = live () and most = ref 0 in
        let rec again n =
          if n = 0 then Lwt.return_unit
          else
            let* array = made megabyte in
            most := max !most (live () - before);
            ignore (Sys.opaque_identity array);
            again (n - 1)
        in
        let* () = again 1000 in
        (* It would be all of them. (Seen: less than 300 on OCaml 4.13, 520 on 5.3.) *)
        if !most > 750 * megabyte then Alcotest.failf "%d megabytes at once" (!most / megabyte);
        until_live "the memory" before);
    law "ten_thousand_small_arrays_are_freed_once" (fun () ->
        let before = live () in
        let rec again n =
          if n = 0 then ()
          else
            let array = made_with_room (n land 63) 64 in
            if n land 3 = 0 then ignore (Sys.opaque_identity (Array1.sub array 0 (n land 63)));
            again (n - 1)
        in
        again 10_000;
        until_live "the memory" before);
    law_now "owned_array_converts_once" (fun () -> check_bool "the second is refused" true (twice ()));
  ]

let example =
  [
    law "example_of_the_documentation_does_what_it_says" (fun () ->
        let path, channel = Filename.open_temp_file "arrays" "" in
        output_string channel "a text of some more bytes";
        close_out channel;
        let* beginning, length = Arrays_example.summary path in
        Sys.remove path;
        check_string "beginning" "a text of some m" beginning;
        check_int "length" 25 length;
        let+ means = Arrays_example.means [| [| 1.; 2. |]; [| 3.; 5. |] |] in
        check_bool "means" true (means = [| 1.5; 4. |]));
  ]

let () =
  Alcotest.run "arrays"
    [
      ("kinds", kinds);
      ("crossings", crossings);
      ("memory", memory);
      ("the example", example);
    ]
