(* Collections where they hurt: [fill n] leaves room for [n] words in the minor heap, so that the allocation which needs
   one more collects. Whoever runs with 0, 1, 2, … words of room has had a collection at each of its allocations. *)

external minor_words : unit -> (float[@unboxed]) = "caml_gc_minor_words" "caml_gc_minor_words_unboxed"

(* The least that the runtime takes; 32 kB in most versions. *)
let () = Gc.set { (Gc.get ()) with minor_heap_size = 256; space_overhead = 20 }
let heap = (Gc.get ()).minor_heap_size

let[@inline never] fill n =
  Gc.minor ();
  let from = minor_words () in
  let words = float_of_int (heap - n) in
  while minor_words () -. from < words do
    ignore (Sys.opaque_identity (ref 0))
  done

(* What happens to the heap at the beginning of each turn of the loop, and where OCaml is called back. *)
let disturb = ref (fun () -> ())

let () =
  let hook () = !disturb () in
  ignore (Lwt_main.Enter_iter_hooks.add_first hook : Lwt_main.Enter_iter_hooks.hook)

let disturbing f program =
  disturb := f;
  f ();
  Lwt.finalize program (fun () ->
      disturb := (fun () -> ());
      Lwt.return_unit)
