external version_of_rust : unit -> string = "ocaml_lwt_interop_version"
external callbacks_of_rust : unit -> int = "ocaml_lwt_interop_callbacks" [@@noalloc]

let version = "0.1.0"

let agree ~callbacks =
  let fail format =
    Printf.ksprintf
      (fun what ->
        Printf.ksprintf failwith
          "The two halves of the bridge were not made for one another: %s. Take the OCaml library rust-async and the crate \
           ocaml-lwt-interop of one version, from one clone where they are not released, and build both again."
          what)
      format
  in
  let rust = version_of_rust () in
  if rust <> version then fail "rust-async is %s, and ocaml-lwt-interop is %s" version rust;
  (* Within one version, while it is being made. *)
  let given = Obj.size callbacks and known = callbacks_of_rust () in
  if given <> known then fail "rust-async gives %d callbacks, and ocaml-lwt-interop knows %d" given known
