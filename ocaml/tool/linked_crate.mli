(** One crate for a whole program. Rust's static libraries cannot be linked together: each has Rust's standard library in it, and a
    bridge of its own. So what is linked is the library of a crate that has nothing but the others. *)

val make : target:string -> name:string -> Manifest.t list -> string
(** [make ~target ~name manifests] writes such a crate, whose library is called [name], below cargo's folder [target], where it is
    not there as it should be. It is built as the first of them is: with the same profiles, and with the versions that
    its [Cargo.lock] has. Gives the path of its [Cargo.toml]. *)
