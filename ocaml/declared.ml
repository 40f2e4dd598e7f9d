external fingerprint : string -> string = "ocaml_lwt_interop_fingerprint"
external crates : unit -> string = "ocaml_lwt_interop_crates"

let exception_ key constructor = Callback.register ("ocaml_lwt_interop.declared." ^ key) constructor

let check ~crate declared =
  match fingerprint crate with
  | linked when linked = declared -> ()
  | "" ->
      Printf.ksprintf failwith
        "The Rust library that is linked has nothing of the crate %s, whose OCaml declarations are linked too, but of: %s. A \
         program has one Rust library, with all crates in it."
        crate (crates ())
  | linked ->
      Printf.ksprintf failwith
        "The OCaml declarations of the crate %s are those of another version of it: they are %s, and the library that is linked \
         has %s. Build both again, with one rule."
        crate declared linked

external close : 'a -> unit = "ocaml_lwt_interop_close"

external provide : string -> string -> 'a -> unit = "ocaml_lwt_interop_provide"

let provide ~interface ?(name = "") implementation = provide interface name implementation
