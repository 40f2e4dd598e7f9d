//! `bench-host [--quick]`

use std::time::Duration;

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let (time, rounds) = if is_quick {
        (Duration::from_millis(10), 1)
    } else {
        (Duration::from_secs(1), 5)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(bench_host::run(time, rounds));
}
