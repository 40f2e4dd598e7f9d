//! All that may happen with a stream of a few items, in every order: what OCaml, the stream, the queue and the GC do is tried
//! in each state that the others leave, and in each state the rest of the stream must still arrive.

use std::collections::HashSet;

use super::*;

mod world;

use world::World;

/// What a stream does, one after the other; then it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Does {
    /// It gives an item.
    Gives,
    /// It gives an item whose conversion panics.
    GivesBad,
    /// It gives an item whose conversion reads this stream.
    GivesReading,
    /// It is pending, once.
    Waits,
    /// It reads itself while it is polled.
    Reads,
}

const ALL: [Does; 5] = [
    Does::Gives,
    Does::GivesBad,
    Does::GivesReading,
    Does::Waits,
    Does::Reads,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    Done,
    Panic,
    Dropped,
}

/// As in `tasks/state.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Executor {
    Idle,
    Queued,
    Running,
    Woken,
    Done,
}

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Event {
    OCamlReads,
    OCamlOpens,
    OCamlGivesUp,
    StreamWakes,
    TaskRuns,
    AnswerRuns,
    TheEndBegins,
    Shutdown,
}

const EVENTS: [Event; 8] = [
    Event::OCamlReads,
    Event::OCamlOpens,
    Event::OCamlGivesUp,
    Event::StreamWakes,
    Event::TaskRuns,
    Event::AnswerRuns,
    Event::TheEndBegins,
    Event::Shutdown,
];

/// Every state that a script leads to. How many there are.
fn explore(script: &[Does], size: usize) -> usize {
    let first = World::new(script.to_vec(), size);
    let mut seen = HashSet::from([first.clone()]);
    let mut todo = vec![first];
    while let Some(world) = todo.pop() {
        for event in EVENTS {
            let mut next = world.clone();
            if next.happens(event) && seen.insert(next.clone()) {
                todo.push(next);
            }
        }
        world.finish();
    }
    seen.len()
}

/// All scripts of up to so many steps.
fn scripts(steps: usize) -> Vec<Vec<Does>> {
    let mut all = vec![vec![]];
    let mut from = 0;
    for _ in 0..steps {
        let longer: Vec<_> = all[from..]
            .iter()
            .flat_map(|script| ALL.map(|does| [&script[..], &[does]].concat()))
            .collect();
        from = all.len();
        all.extend(longer);
    }
    all
}

#[test]
fn whatever_happens_all_items_arrive_in_order_and_then_the_ending() {
    let mut states = 0;
    for (steps, size) in [(4, 1), (4, 2), (3, 3)] {
        for script in scripts(steps) {
            states += explore(&script, size);
        }
    }
    println!("{states} states");
    assert!(states > 10_000, "only {states} states were reached");
}

#[test]
fn a_reader_that_is_never_made_to_wait_lets_others_run_after_so_many_pulls() {
    let script = vec![Does::Gives; 3 * MOST_IN_A_ROW as usize];
    let mut world = World::new(script, 1);
    let mut at_once = 0;
    while !world.opening {
        assert!(world.happens(Event::OCamlReads));
        at_once += 1;
    }
    assert!(world.happens(Event::OCamlOpens));
    assert_eq!(at_once, MOST_IN_A_ROW + 1);
    assert_eq!(world.task, Executor::Queued);
    assert!(world.happens(Event::TaskRuns));
    assert!(world.happens(Event::AnswerRuns));
    assert!(world.happens(Event::OCamlReads));
    assert!(!world.opening, "the answer begins a new row");
}

#[test]
fn the_stream_is_read_ahead_as_soon_as_there_is_room() {
    let script = [vec![Does::Gives, Does::Waits], vec![Does::Gives; 4]].concat();
    let mut world = World::new(script, 3);
    assert!(world.happens(Event::OCamlReads));
    assert!(world.happens(Event::StreamWakes));
    assert!(world.happens(Event::TaskRuns));
    let ahead = |world: &World| (world.items.len(), world.window.len(), world.task);
    // OCaml may not have read the first.
    assert_eq!(ahead(&world), (0, 2, Executor::Idle));
    assert!(world.happens(Event::OCamlReads));
    assert_eq!(ahead(&world), (1, 0, Executor::Queued));
    assert!(world.happens(Event::TaskRuns));
    assert_eq!(ahead(&world), (1, 1, Executor::Idle));
}
