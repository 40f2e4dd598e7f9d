open Lwt.Syntax

let on_done name = Lwt_io.printlf "greeted %s" name

let main () =
  let* greeting = Hello_rust.greet "world" on_done in
  let* () = Lwt_io.printl greeting in
  Lwt.catch
    (fun () -> Lwt.map ignore (Hello_rust.greet "" on_done))
    (function
      | Rust_async.Rust_error { message; _ } -> Lwt_io.printlf "Rust says: %s" message
      | exn -> Lwt.fail exn)

let () = Lwt_main.run (main ())
