(* Bigarrays: an operation is a call with one, or for one. *)

open Case
open Rust_half.Arrays

let sizes = [ ("64", 64); ("4k", 1 lsl 12); ("256k", 1 lsl 18); ("4m", 1 lsl 22); ("64m", 1 lsl 26) ]

let all =
  List.concat_map
    (fun (name, size) ->
      let array = lazy (Lwt_bytes.create size) in
      let of_array f = in_a_row (fun () -> f (Lazy.force array)) in
      [
        case ("array/copied-" ^ name) "an OwnedArray as the argument, a copy" (of_array bench_array_copied);
        case ("array/lent-" ^ name) "a Lent as the argument" ~baseline:("array/copied-" ^ name) (of_array bench_array_lent);
        case ("array/string-" ^ name) "a new ByteBuf as the result, a copy" (in_a_row (fun () -> bench_array_made_as_string size));
        case ("array/made-" ^ name) "a new OwnedArray as the result" ~baseline:("array/string-" ^ name)
          (in_a_row (fun () -> bench_array_made size));
      ])
    sizes
