//! Laws about other threads.

use super::*;

/// Every schedule with at most three preemptions, or many runs.
fn check(law: impl Fn() + Sync + Send + 'static) {
    #[cfg(loom)]
    {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(law);
    }
    #[cfg(not(loom))]
    for _ in 0..if cfg!(miri) { 5 } else { 500 } {
        law();
    }
}

/// What a stub does: polls, and what is pending becomes a task.
fn call<F: Future<Output = usize> + 'static>(
    domain: Domain,
    scope: &Scope,
    gate: &Arc<Gate>,
    future: F,
) -> Task {
    let task = TaskCell::<_, _, Note>::eager(domain, scope.1, future);
    assert!(TaskCell::poll_first(&task, scope).is_pending());
    task.any().register(scope);
    task.set_completion(scope, note(gate));
    let task = task.into_any();
    task.clone().suspend(scope);
    task
}

#[test]
fn every_wake_from_another_thread_is_followed_by_a_poll_that_sees_what_came_before_it() {
    check(|| {
        Domain::run(|domain, scope| {
            let gate = Gate::new(2);
            let task = call(domain, scope, &gate, Waits::here(&gate));
            let wakers = [false, true].map(|by_reference| {
                let gate = gate.clone();
                thread::spawn(move || gate.open(by_reference))
            });
            domain.run_until(scope, || gate.ended());
            for waker in wakers {
                waker.join().unwrap();
            }
            let polls = gate.polls();
            assert!((2..=3).contains(&polls), "{polls} polls");
            assert_eq!(gate.ending(), format!("Value({polls})"));
            // A wake that came behind the poll which saw it all.
            domain.look(scope);
            assert_eq!(gate.polls(), polls);
            assert_eq!(task.references(), 1);
        });
    });
}

#[test]
fn a_task_that_is_cancelled_while_another_thread_wakes_it_ends_once() {
    check(|| {
        Domain::run(|domain, scope| {
            let gate = Gate::new(1);
            let task = call(domain, scope, &gate, Waits::here(&gate));
            let waker = {
                let gate = gate.clone();
                thread::spawn(move || gate.open(false))
            };
            domain.look(scope);
            task.clone().cancel(scope);
            waker.join().unwrap();
            domain.look(scope);
            let ending = gate.ending();
            assert!(ending == "Dropped" || ending == "Value(2)", "{ending}");
        });
    });
}

#[test]
fn the_last_reference_may_go_on_another_thread() {
    check(|| {
        Domain::run(|domain, scope| {
            let gate = Gate::new(2);
            drop(call(domain, scope, &gate, Waits::here(&gate)));
            let waker = gate.wakers.lock().unwrap().pop();
            let elsewhere = thread::spawn(move || drop(waker));
            gate.open(false);
            gate.opened.fetch_add(1, Ordering::Relaxed);
            domain.run_until(scope, || gate.ended());
            assert_eq!(gate.ending(), "Value(2)");
            elsewhere.join().unwrap();
        });
    });
}

#[test]
fn a_task_of_another_thread_is_polled_or_dropped_whenever_the_executor_ends() {
    check(|| {
        Domain::run(|domain, scope| {
            let gate = Gate::new(1);
            let spawner = {
                let gate = gate.clone();
                thread::spawn(move || {
                    drop(TaskCell::remote(
                        domain,
                        None,
                        Waits::sent(&gate),
                        note(&gate),
                    ));
                    gate.open(true);
                })
            };
            domain.look(scope);
            domain.shut_down(scope);
            spawner.join().unwrap();
            domain.look(scope);
            // The waker of a task that ended before it was woken.
            gate.wakers.lock().unwrap().clear();
            let ending = gate.ending();
            let refused = gate.refused.load(Ordering::Relaxed);
            match &*ending {
                "none" => assert_eq!((refused, gate.polls()), (1, 0)),
                "Dropped" | "Value(1)" | "Value(2)" => assert_eq!(refused, 0),
                ending => panic!("{ending}"),
            }
        });
    });
}

#[test]
fn a_wake_at_home_and_one_from_elsewhere_are_one_poll_or_two() {
    check(|| {
        Domain::run(|domain, scope| {
            let gate = Gate::new(2);
            let task = call(domain, scope, &gate, Waits::here(&gate));
            let waker = {
                let gate = gate.clone();
                thread::spawn(move || gate.open(true))
            };
            gate.open(true);
            domain.run_until(scope, || gate.ended());
            waker.join().unwrap();
            let polls = gate.polls();
            assert!((2..=3).contains(&polls), "{polls} polls");
            domain.look(scope);
            assert_eq!(gate.ending(), format!("Value({polls})"));
            assert_eq!(task.references(), 1);
        });
    });
}
