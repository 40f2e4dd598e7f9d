use std::time::Duration;

use ocaml_lwt_interop::{Error, OCamlAsyncFunc};

/// Says hello to `name`, once `on_done` has been called with it.
#[ocaml_lwt_interop::func]
pub async fn greet(name: String, on_done: OCamlAsyncFunc<(String,), ()>) -> Result<String, Error> {
    tokio::time::sleep(Duration::from_millis(10)).await; // Tokio just works
    on_done.call((name.clone(),)).await?; // an OCaml function that returns a promise
    greeting(&name)
}

fn greeting(name: &str) -> Result<String, Error> {
    if name.is_empty() {
        return Err(Error::msg("nobody to greet")); // `?` works on every error as well
    }
    Ok(format!("hello {name}"))
}

#[cfg(test)]
mod tests {
    use super::greeting;

    #[test]
    fn greeting_has_the_name() {
        assert_eq!(greeting("world").unwrap(), "hello world");
    }
}
