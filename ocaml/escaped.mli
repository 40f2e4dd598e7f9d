(** What was raised where Lwt or C code could not let it pass. Rust keeps it until a hook of [Lwt_main.run] raises it. *)

external keep : exn -> unit = "ocaml_lwt_interop_keep"
(** [keep exn] keeps one more. *)

external any : unit -> bool = "ocaml_lwt_interop_escaped" [@@noalloc]
(** [any ()] is whether there is one. *)

external raise_first : unit -> unit = "ocaml_lwt_interop_raise_escaped"
(** [raise_first ()] raises the oldest, which is kept no longer. *)

val drop_all : unit -> unit
(** [drop_all ()] drops, at the end, what would have ended the program. *)
