let pool = lazy (Rust_async.Domain_pool.create ~domains:1)
let run n = Rust_async.Domain_pool.detach (Lazy.force pool) Fun.id n
