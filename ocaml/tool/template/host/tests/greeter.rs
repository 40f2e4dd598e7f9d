//! OCaml is started once for all tests.

use my_project::Greeter;
use ocaml_lwt_interop::{Provided, host};

async fn greeter() -> Provided<dyn Greeter> {
    let ocaml = host::shared().await.expect("OCaml starts");
    ocaml.get::<dyn Greeter>().expect("OCaml provides it")
}

#[tokio::test]
async fn greeting_has_the_name() {
    let greeting = greeter().await.greet("world".to_owned()).await;
    assert_eq!(greeting.unwrap(), "hello world");
}

#[tokio::test]
async fn nobody_is_an_exception() {
    let error = greeter().await.greet(String::new()).await.unwrap_err();
    assert!(error.is_exception("Failure"));
}
