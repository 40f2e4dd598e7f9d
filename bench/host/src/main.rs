//! `bench-host [--quick] [CASE…]`

use std::time::Duration;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (options, cases): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let is_quick = options.iter().any(|option| option == "--quick");
    let (time, rounds) = if is_quick {
        (Duration::from_millis(10), 1)
    } else {
        (Duration::from_millis(50), 31)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(bench_host::run(time, rounds, &cases));
}
