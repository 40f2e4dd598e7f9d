let pool = lazy (Rust_async.Domain_pool.create ~domains:1)
let run n = Rust_async.Domain_pool.detach (Lazy.force pool) Fun.id n

(* One of its domains has a job that waits for Rust, for ever. *)
let busy_pool =
  lazy
    (let pool = Rust_async.Domain_pool.create ~domains:2 in
     ignore (Rust_async.Domain_pool.detach pool (fun () -> Rust_async.Domain_pool.await (Interop_host.rust_sleep 1e6)) ());
     pool)

let act f = Rust_async.Domain_pool.detach (Lazy.force busy_pool) f ()
