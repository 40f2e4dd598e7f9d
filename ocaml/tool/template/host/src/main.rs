use my_project::Greeter;
use ocaml_lwt_interop::host;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ocaml = host::start().await?; // OCaml's modules are initialised, Lwt's loop runs
    let greeter = ocaml.get::<dyn Greeter>()?; // what OCaml has provided
    let greeting = tokio::spawn(greeter.greet("world".to_owned())); // from any task
    println!("{}", greeting.await??);
    ocaml.shutdown().await;
    Ok(())
}
