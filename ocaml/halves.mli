(** Whether the OCaml half and the Rust half of the bridge were made for one another. *)

val version : string
(** That of this half. It is the version of the crate [ocaml-lwt-interop]. *)

val agree : callbacks:Obj.t -> unit
(** [agree ~callbacks], when the program starts; [callbacks] is the record that Rust will be given.
    @raise Failure where the Rust half is of another version, or knows another record. *)
