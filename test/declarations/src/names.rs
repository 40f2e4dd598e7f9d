//! Names that OCaml has for something else.

use ocaml_lwt_interop::func;

/// `method` is a keyword of OCaml's.
#[func]
pub async fn method(r#type: isize) -> isize {
    r#type
}

/// With labels, of which one has a name of its own and one is a keyword of OCaml's.
#[func(sync)]
pub fn labelled(
    #[ocaml(label)] host: String,
    #[ocaml(optional)] port: Option<isize>,
    #[ocaml(optional = "timeout")] seconds: Option<f64>,
    #[ocaml(label)] r#type: bool,
    path: String,
) -> String {
    format!("{host} {port:?} {seconds:?} {} {path}", r#type)
}

/// As OCaml's module.
pub mod lwt {
    use ocaml_lwt_interop::func;

    #[func(name = "names_lwt_pause")]
    pub async fn pause() {}
}
