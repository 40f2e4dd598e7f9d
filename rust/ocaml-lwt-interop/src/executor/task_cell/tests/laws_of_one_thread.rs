//! Laws about what happens on the domain thread.
#![cfg(not(loom))]

use std::future::{pending, poll_fn};

use super::*;

type Step = Box<dyn FnMut(&mut Context<'_>) -> Poll<usize>>;

/// A future that does something else each time it is polled.
fn steps(mut steps: Vec<Step>) -> impl Future<Output = usize> {
    steps.reverse();
    poll_fn(move |context| steps.pop().expect("a poll too many")(context))
}

#[test]
fn a_wake_during_a_poll_is_followed_by_another() {
    Domain::run(|domain, scope| {
        let gate = Gate::new(0);
        let wakes = |context: &mut Context<'_>| {
            context.waker().wake_by_ref();
            context.waker().wake_by_ref();
            Poll::Pending
        };
        let ends = |_: &mut Context<'_>| Poll::Ready(7);
        let future = steps(vec![Box::new(wakes), Box::new(ends)]);
        let task = TaskCell::local(domain, scope.1, None, future, note(&gate));
        domain.run_queue(scope);
        gate.drops.store(1, Ordering::Relaxed);
        assert_eq!(gate.ending(), "Value(7)");
        assert_eq!(task.references(), 1);
    });
}

#[test]
fn a_panic_of_a_poll_is_the_ending_and_the_future_goes() {
    Domain::run(|domain, scope| {
        let gate = Gate::new(1);
        let held = Waits::here(&gate);
        let future = async move {
            let _held = held;
            panic!("it")
        };
        drop(TaskCell::local(domain, scope.1, None, future, note(&gate)));
        domain.run_queue(scope);
        assert_eq!(gate.ending(), "panic: it");
    });
}

#[test]
fn a_panic_of_a_destructor_is_the_ending_of_a_value_but_not_of_a_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("destructor");
        }
    }
    for (panics, expected) in [(false, "panic: destructor"), (true, "panic: poll")] {
        Domain::run(|domain, scope| {
            let gate = Gate::new(0);
            let bomb = Bomb;
            let future = poll_fn(move |_| {
                let _ = &bomb;
                assert!(!panics, "poll");
                Poll::Ready(1)
            });
            drop(TaskCell::local(domain, scope.1, None, future, note(&gate)));
            domain.run_queue(scope);
            gate.drops.store(1, Ordering::Relaxed);
            assert_eq!(gate.ending(), expected);
        });
    }
}

#[test]
fn a_task_that_is_cancelled_in_its_own_poll_ends_after_it() {
    Domain::run(|domain, scope| {
        let gate = Gate::new(0);
        let task = std::rc::Rc::new(std::cell::OnceCell::new());
        let cancels = {
            let (task, gate) = (task.clone(), gate.clone());
            move |_: &mut Context<'_>| {
                let task: &Task = task.get().expect("it is queued");
                task.clone()
                    .cancel(&Scope(domain, Here(std::marker::PhantomData)));
                assert!(!gate.ended(), "it ended in the middle of its poll");
                Poll::Pending
            }
        };
        let future = steps(vec![Box::new(cancels)]);
        let cell = TaskCell::local(domain, scope.1, None, future, note(&gate));
        assert!(task.set(cell).is_ok());
        domain.run_queue(scope);
        gate.drops.store(1, Ordering::Relaxed);
        assert_eq!(gate.ending(), "Dropped");
    });
}

#[test]
fn an_eager_poll_that_shuts_the_executor_down_ends_the_future() {
    Domain::run(|domain, scope| {
        let gate = Gate::new(1);
        let held = Waits::here(&gate);
        let future = async move {
            let _held = held;
            domain.shut_down(&Scope(domain, Here(std::marker::PhantomData)));
            pending::<usize>().await
        };
        let task = TaskCell::<_, _, Note>::eager(domain, scope.1, future);
        let first = TaskCell::poll_first(&task, scope);
        assert!(matches!(first, Poll::Ready(Ending::Dropped)));
        assert_eq!(gate.drops.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn nothing_is_polled_before_its_first_wake_if_it_began_idle() {
    Domain::run(|domain, scope| {
        let gate = Gate::new(1);
        let task = TaskCell::idle(domain, scope.1, None, Waits::here(&gate), note(&gate));
        domain.run_queue(scope);
        assert_eq!(gate.polls(), 0);
        task.clone().run_if_idle(scope);
        assert_eq!(gate.polls(), 1);
        task.clone().wake_at_home(scope.1);
        // It is queued.
        task.run_if_idle(scope);
        assert_eq!(gate.polls(), 1);
        domain.run_queue(scope);
        assert_eq!(gate.polls(), 2);
        gate.open(false);
        domain.run_queue(scope);
        assert_eq!(gate.ending(), "Value(3)");
    });
}

#[test]
fn a_task_made_after_the_end_is_dropped_where_it_was_made() {
    Domain::run(|domain, scope| {
        domain.shut_down(scope);
        let gone = |gate: &Arc<Gate>| {
            assert_eq!(gate.ending(), "none");
            assert_eq!(gate.refused.load(Ordering::Relaxed), 1);
        };
        let gate = Gate::new(1);
        let task = TaskCell::local(domain, scope.1, None, Waits::here(&gate), note(&gate));
        gone(&gate);
        drop(task);
        let elsewhere = thread::spawn(move || {
            let gate = Gate::new(1);
            let task = TaskCell::remote(domain, None, Waits::sent(&gate), note(&gate));
            gone(&gate);
            drop(task);
        });
        elsewhere.join().unwrap();
    });
}

#[test]
fn in_a_child_nothing_of_the_users_is_polled_or_dropped() {
    Domain::run(|domain, scope| {
        let gate = Gate::new(1);
        let task = TaskCell::idle(domain, scope.1, None, Waits::here(&gate), note(&gate));
        task.clone().run_if_idle(scope);
        IS_CHILD.set(true);
        gate.open(false);
        task.clone().disown(scope);
        assert!(gate.ended());
        assert_eq!(gate.drops.load(Ordering::Relaxed), 0);
        IS_CHILD.set(false);
        // What the waker and the task's owner have forgotten, so that nothing is left of this test.
        assert_eq!(task.references(), 3);
        for _ in 0..2 {
            // SAFETY: a copy of this reference, which is dropped in place of one that nobody has
            drop(unsafe { std::ptr::read(&raw const task) });
        }
        drop(task);
        assert_eq!(gate.ending(), "Dropped");
    });
}
