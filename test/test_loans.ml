(* Bigarrays that are lent to Rust: OCaml does not see them meanwhile, and they come back; what cannot be lent is refused. *)

open Lwt.Syntax
open Law
open Probe
open Bigarray
open Array_law

type parts = Rust_half.parts = { head : bytes; name : string; tail : bytes option }

let write = Rust_half.Arrays.arrays_write
let write_on_workers = Rust_half.Arrays.arrays_write_on_workers
let write_detached = Rust_half.Arrays.arrays_write_detached
let write_now = Rust_half.Arrays.arrays_write_now
let let_go_elsewhere = Rust_half.Arrays.arrays_let_go_elsewhere
let end_ = Rust_half.Arrays.arrays_end
let gate = Rust_half.Arrays.arrays_gate
let came_to_the_gate = Rust_half.Arrays.arrays_came_to_the_gate
let behind_the_gate = Rust_half.Arrays.arrays_behind_the_gate
let spawned_behind_the_gate = Rust_half.Arrays.arrays_spawned_behind_the_gate
let never = Rust_half.Arrays.arrays_never
let keep = Rust_half.Arrays.arrays_keep
let let_go_later = Rust_half.Arrays.arrays_let_go_later
let before_a_text = Rust_half.Arrays.arrays_before_a_text
let record = Rust_half.Arrays.arrays_record
let list = Rust_half.Arrays.arrays_list

(* While it is lent. *)

let in_the_middle array () =
  check_lent array;
  let* () = nap () in
  Gc.compact ();
  check_lent array;
  let* () = Lwt_unix.sleep 0.001 in
  Gc.full_major ();
  Lwt.return_unit

let lent =
  List.concat
    [
      everywhere "ocaml_does_not_see_what_is_lent" (fun place ->
          let array = of_string "abc" in
          let+ () = write place array (in_the_middle array) in
          check_string "what Rust wrote" "2 2 2" (numbers array));
      [
        law "ocaml_does_not_see_what_is_lent_to_a_worker" (fun () ->
            let array = of_string "abc" in
            let+ () = write_on_workers array (in_the_middle array) in
            check_string "what Rust wrote" "2 2 2" (numbers array));
        law_now "ocaml_does_not_see_what_is_lent_to_a_sync_function" (fun () ->
            let array = of_string "abc" in
            check_int "sum" 6 (write_now array (fun () -> check_lent array));
            check_string "what Rust wrote" "2 2 2" (numbers array);
            (match write_now array (fun () -> raise Exit) with
            | (_ : int) -> Alcotest.fail "returned"
            | exception Exit -> ());
            check_string "what Rust wrote" "1 1 1" (numbers array));
        law_now "array_is_there_for_what_is_called_after_another_thread_let_it_go" (fun () ->
            let array = of_string "abc" in
            let_go_elsewhere array (fun () -> check_int "elements in the call" 3 (Bigarray.Array1.dim array)));
        law "array_that_nobody_else_has_lives" (fun () ->
            let freed = ref 0 and reached = ref 0 in
            let make () =
              let array = of_string (String.make 100 'a') in
              Gc.finalise (fun _ -> incr freed) array;
              write Tokio array (fun () ->
                  let+ () = nap () in
                  Gc.full_major ();
                  check_int "freed" 0 !freed;
                  incr reached)
            in
            let* () = make () in
            check_int "reached" 1 !reached;
            eventually "the array"
              (fun () ->
                Gc.full_major ();
                string_of_int !freed)
              "1");
        law "loans_are_counted" (fun () ->
            let loans () = (Rust_async.stats ()).loans in
            let array = of_string "abc" and other = of_string "d" in
            let before = loans () in
            let* () = keep array in
            let* () = keep (of_string "") in
            check_int "one, since another has no elements" (before + 1) (loans ());
            let promise = never Tokio other in
            check_int "two" (before + 2) (loans ());
            Lwt.cancel promise;
            let* () = until_back other in
            check_int "one is back" (before + 1) (loans ());
            check_refused "it" [ "lent to Rust" ] (fun () -> two array array);
            check_int "what is refused is not counted" (before + 1) (loans ());
            let+ () = let_go Thread in
            check_int "none" before (loans ()));
        law "a_thousand_at_once" (fun () ->
            let arrays = List.init 1000 (fun n -> of_string (String.make (1 + (n mod 7)) 'a')) in
            let place n = List.nth [ Domain; Tokio; Blocking_pool ] (n mod 3) in
            let+ () = Lwt.join (List.mapi (fun n array -> write (place n) array Lwt.pause) arrays) in
            List.iter (fun array -> check_bool "written" true (String.for_all (( = ) '\002') (to_string array))) arrays);
      ];
      List.concat_map
        (fun (how, what) ->
          everywhere ("array_comes_back_from_" ^ what) (fun place ->
              let array = of_string "abc" in
              let promise = end_ array place how in
              let* (_ : (unit, exn) result) = ending promise in
              check_string "what Rust wrote" "7 7 7" (numbers array);
              Lwt.return_unit))
        [ (0, "a_value"); (1, "an_error"); (2, "a_panic") ];
      everywhere "array_that_rust_keeps_comes_back_when_it_is_dropped" (fun place ->
          let array = of_string "abc" in
          let* () = keep array in
          check_lent array;
          let* () = let_go place in
          check_string "what Rust wrote" "3 3 3" (numbers array);
          Lwt.return_unit);
      [
        law "array_that_an_unknown_thread_drops_comes_back_while_the_loop_sleeps" (fun () ->
            let array = of_string "abc" in
            let* () = keep array in
            let_go_later ();
            let+ () = until_back array in
            check_string "what Rust wrote" "3 3 3" (numbers array));
        law "array_can_be_lent_again_as_soon_as_it_is_back" (fun () ->
            let array = of_string "abc" in
            let rec again n = if n = 0 then Lwt.return_unit else Lwt.bind (behind_the_gate array) (fun () -> again (n - 1)) in
            gate true;
            let+ () = again 1000 in
            check_string "what Rust wrote" "2 2 2" (numbers array));
      ];
    ]

(* Cancellation. *)

let cancelled =
  List.concat
    [
      everywhere "array_of_a_cancelled_call_comes_back" (fun place ->
          let array = of_string "abc" in
          let promise = never place array in
          let* () = Lwt_unix.sleep 0.002 in
          check_lent array;
          Lwt.cancel promise;
          let+ () = until_back array in
          check_array "unchanged" "abc" array);
      List.map
        (fun (name, f) ->
          law ("array_comes_back_when_nobody_writes_to_it_any_more_" ^ name) (fun () ->
              let array = of_string "abc" in
              gate false;
              let promise = f array in
              let* () = eventually "the writer" (fun () -> string_of_int (came_to_the_gate ())) "1" in
              Lwt.cancel promise;
              let* ended = ending promise in
              check_bool "cancelled" true (ended = Error Lwt.Canceled);
              let* () = Lwt_unix.sleep 0.005 in
              check_lent array;
              gate true;
              let+ () = until_back array in
              check_string "what Rust wrote" "2 2 2" (numbers array)))
        [ ("in_a_blocking_function", behind_the_gate); ("in_spawn_blocking", spawned_behind_the_gate) ];
      [
        law "detached_call_keeps_its_array" (fun () ->
            let array = of_string "abc" in
            let waits, wakes = Lwt.wait () in
            let promise = write_detached array (fun () -> waits) in
            let* () = Lwt_unix.sleep 0.002 in
            Lwt.cancel promise;
            let* () = Lwt_unix.sleep 0.002 in
            check_lent array;
            Lwt.wakeup wakes ();
            let+ () = until_back array in
            check_string "what Rust wrote" "2 2 2" (numbers array));
      ];
    ]

(* Refusals. *)

let shares = [ "argument 1 (left): a Bigarray that shares its memory with 1 others"; "sub"; "copy the part" ]

let refusals =
  [
    law_now "array_given_twice_is_refused" (fun () ->
        let array = of_string "abc" in
        check_refused "the second" [ "arrays_two"; "argument 2 (right): a Bigarray that is lent to Rust" ] (fun () -> two array array);
        check_array "the first came back" "abc" array);
    law "array_that_is_lent_is_refused" (fun () ->
        let array = of_string "abc" in
        let* () = keep array in
        check_refused "the second" [ "argument 1 (left): a Bigarray that is lent to Rust" ] (fun () -> two array (of_string ""));
        (match Lwt.state (reversed_char array) with
        | exception Invalid_argument message -> check_bool message true (contains message ~part:"argument 1 (array): a Bigarray that is lent")
        | _ -> Alcotest.fail "a copy was not refused");
        check_lent array;
        let+ () = let_go Tokio in
        check_string "what Rust wrote" "3 3 3" (numbers array));
    law "array_that_shares_its_memory_is_refused" (fun () ->
        let array = of_string "abcd" in
        let refused what part =
          check_refused ("the whole of " ^ what) shares (fun () -> two array (of_string ""));
          check_refused what shares (fun () -> two (Sys.opaque_identity part) (of_string ""))
        in
        refused "a sub-array" (Array1.sub array 1 2);
        let array = of_string "abcd" in
        check_refused "an array with a proxy" shares (fun () ->
            let proxy = Lwt_bytes.proxy array 0 2 in
            let promise = two array (of_string "") in
            ignore (Sys.opaque_identity proxy);
            promise);
        check_refused "a reshaped array" shares (fun () ->
            let array = of_string "abcd" in
            let square = reshape_2 (genarray_of_array1 array) 2 2 in
            let promise = two array (of_string "") in
            ignore (Sys.opaque_identity square);
            promise);
        let* copied = reversed_char (Array1.sub array 1 2) in
        check_array "a copy may be taken" "cb" copied;
        check_array "nothing has changed" "abcd" array;
        Lwt.return_unit);
    law "array_whose_parts_are_collected_is_lent" (fun () ->
        let array = of_string "abcd" in
        let part = ref (Some (Array1.sub array 1 2)) in
        check_refused "it" shares (fun () -> two array (of_string ""));
        ignore (Sys.opaque_identity !part);
        part := None;
        Gc.full_major ();
        let* () = two array (of_string "") in
        check_string "what Rust wrote" "1 1 1 1" (numbers array);
        (* And so is a part that is alone. *)
        let part = (fun () -> Array1.sub (of_string "abcd") 1 2) () in
        Gc.full_major ();
        let+ () = two part (of_string "") in
        check_string "what Rust wrote" "1 1" (numbers part));
    law "memory_of_a_file_is_refused" (fun () ->
        let path, channel = Filename.open_temp_file "arrays" "" in
        output_string channel "abc";
        close_out channel;
        let descriptor = Unix.openfile path [ Unix.O_RDWR ] 0 in
        let file = array1_of_genarray (Unix.map_file descriptor char c_layout true [| 3 |]) in
        Unix.close descriptor;
        check_refused "it" [ "argument 1 (left): a Bigarray whose memory is not OCaml's own"; "OwnedArray" ] (fun () ->
            two file (of_string ""));
        let+ copied = reversed_char file in
        check_array "a copy may be taken" "cba" copied;
        Sys.remove path);
    law_now "array_of_another_type_is_refused" (fun () ->
        let refused what parts array = check_refused what parts (fun () -> two (Obj.magic array) (of_string "")) in
        refused "floats" [ "a Bigarray of kind float64, where char was asked for" ] (Array1.create float64 c_layout 1);
        refused "bytes as int" [ "a Bigarray of kind int8_unsigned, where char was asked for" ]
          (Array1.create int8_unsigned c_layout 1);
        refused "Fortran's" [ "of fortran_layout, where c_layout was asked for" ] (Array1.create char fortran_layout 1);
        refused "a matrix" [ "a Bigarray of 2 dimensions, where 1 were asked for"; "reshape" ] (Array2.create char c_layout 1 1);
        refused "a scalar" [ "a Bigarray of 0 dimensions" ] (Array0.create char c_layout);
        refused "text" [ "not a Bigarray, where one of kind char was asked for" ] "text";
        refused "a number" [ "not a Bigarray" ] 1;
        refused "a boxed number" [ "not a Bigarray" ] 1L);
    law "arguments_that_are_refused_later_give_the_array_back" (fun () ->
        let array = of_string "abc" in
        check_refused "the text" [ "argument 2 (text): not valid UTF-8" ] (fun () -> before_a_text array "\255");
        check_array "unchanged" "abc" array;
        let* () = before_a_text array "four" in
        check_string "what Rust wrote" "4 4 4" (numbers array);
        let head = of_string "ab" and tail = of_string "c" in
        check_refused "the name" [ "not valid UTF-8" ] (fun () -> record { head; name = "\255"; tail = Some tail });
        check_refused "the tail" [ "lent to Rust" ] (fun () -> record { head; name = "x"; tail = Some head });
        check_array "unchanged" "ab" head;
        let* () = record { head; name = "name"; tail = Some tail } in
        check_string "what Rust wrote" "4 4" (numbers head);
        check_string "what Rust wrote" "5" (numbers tail);
        check_refused "the third" [ "lent to Rust" ] (fun () -> list [ head; tail; head ]);
        let+ () = list [ head; tail; array ] in
        check_string "what Rust wrote" "1 1/2/3 3 3" (String.concat "/" (List.map numbers [ head; tail; array ])));
    law "what_is_made_of_a_lent_array_is_empty_for_ever" (fun () ->
        let array = of_string "abc" in
        let* () = keep array in
        let parts = [ Array1.sub array 0 0; reshape_1 (genarray_of_array1 array) 0 ] in
        let* () = let_go Domain in
        check_string "what Rust wrote" "3 3 3" (numbers array);
        List.iter (fun part -> check_int "empty" 0 (Array1.dim part)) parts;
        check_refused "while there are parts" [ "shares its memory with 2 others" ] (fun () -> two array (of_string ""));
        ignore (Sys.opaque_identity parts);
        Lwt.return_unit);
  ]

let () = Alcotest.run "loans" [ ("while it is lent", lent); ("cancellation", cancelled); ("refusals", refusals) ]
