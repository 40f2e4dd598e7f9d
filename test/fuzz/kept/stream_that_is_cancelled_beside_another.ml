(* The process ended with SIGSEGV. *)

let () = Kept.add __MODULE__ { programs = [ Pick [| ReadRust { rust_items = 0; rust_window = 64; rust_before = [| Give (Nothing) |]; rust_end = [| Give (Nothing) |]; ocaml_reader = ToTheEnd; hesitates = false }; Both [| ReadRust { rust_items = 1; rust_window = 1; rust_before = [| Yields 1 |]; rust_end = [| Ocaml (Function, [| Return (Nothing) |]) |]; ocaml_reader = ToTheEnd; hesitates = false }; CallRust (Func, [| Stall |]) |] |] ]; last = Returns }
