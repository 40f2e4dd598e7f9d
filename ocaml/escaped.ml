external keep : exn -> unit = "ocaml_lwt_interop_keep"
external any : unit -> bool = "ocaml_lwt_interop_escaped" [@@noalloc]
external raise_first : unit -> unit = "ocaml_lwt_interop_raise_escaped"

let rec drop_all () =
  if any () then begin
    (try raise_first () with _ -> ());
    drop_all ()
  end
