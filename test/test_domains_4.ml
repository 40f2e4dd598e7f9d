(* OCaml 4: there are no worker domains, and who asks for some is told so. *)

open Law

let () =
  Alcotest.run "domains"
    [
      ( "on OCaml 4",
        [
          law_now "pool_is_refused" (fun () ->
              match Rust_async.Domain_pool.create ~domains:2 with
              | (_ : Rust_async.Domain_pool.t) -> Alcotest.fail "made"
              | exception Failure message ->
                  check_bool message true (contains message ~part:"needs OCaml 5");
                  check_bool message true (contains message ~part:"Lwt_preemptive.detach"));
        ] );
    ]
