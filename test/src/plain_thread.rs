//! A plain thread that runs futures, and tasks that end with who awaits them. The stress test and the fuzzer share it.

use std::future::{Future, pending};
use std::sync::{LazyLock, mpsc};

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

static THREAD: LazyLock<Handle> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("there are descriptors left");
        sender
            .send(runtime.handle().clone())
            .expect("somebody waits");
        runtime.block_on(pending::<()>());
    });
    receiver.recv().expect("the thread sends it")
});

/// Starts a future on the thread.
pub fn spawn_on_a_thread<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    THREAD.spawn(future)
}

/// Ends a task with the future that awaits it.
struct Aborting<T>(JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Awaits a task that is dropped with who awaits it. A panic goes on.
pub async fn awaited<T>(task: JoinHandle<T>) -> T {
    let mut task = Aborting(task);
    match (&mut task.0).await {
        Ok(output) => output,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
