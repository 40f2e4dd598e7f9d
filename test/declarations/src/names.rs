//! Names that OCaml has for something else.

use ocaml_lwt_interop::func;

/// `method` is a keyword of OCaml's.
#[func]
pub async fn method(r#type: isize) -> isize {
    r#type
}

/// As OCaml's module.
pub mod lwt {
    use ocaml_lwt_interop::func;

    #[func(name = "names_lwt_pause")]
    pub async fn pause() {}
}
