//! The model: an object that OCaml closes or collects, that Lwt's thread borrows, and that Rust uses on threads of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread::spawn;

use super::block::Block;
use super::borrowed::Borrowed;
use super::cell::{OCamlObject, Object, live_objects};
use crate::caml::Live;
use crate::conversion::declare::{Coming, Going, OCamlType};
use crate::executor::tick::tick;
use crate::home::{AtHome, Home, Homes, LwtsLock, Scope, set_lwt_home};
use crate::lock::{step, step_after_locks};
use crate::model::check;

/// What is seen of a value.
#[derive(Default)]
struct Seen {
    uses: AtomicUsize,
    drops: AtomicUsize,
}

impl Seen {
    fn drops(&self) -> usize {
        self.drops.load(Ordering::Relaxed)
    }
}

struct Value(Arc<Seen>);

impl Value {
    /// A call, while which other threads do what they can.
    fn use_during(&self, f: impl FnOnce()) {
        self.0.uses.fetch_add(1, Ordering::Relaxed);
        step();
        f();
        step();
        assert_eq!(self.0.drops(), 0, "it is gone, and somebody uses it");
        self.0.uses.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        step();
        assert_eq!(self.0.uses.load(Ordering::Relaxed), 0, "somebody uses it");
        assert_eq!(
            self.0.drops.fetch_add(1, Ordering::Relaxed),
            0,
            "it is gone"
        );
    }
}

impl OCamlType<Coming> for Value {}
impl OCamlType<Going> for Value {}

// SAFETY: it is `Send` and `Sync`
unsafe impl OCamlObject for Value {
    const NAME: &'static str = "value";
    const MODULE: &'static str = "value";
    const IS_SEND: bool = true;
    const IS_SHARED: bool = true;
    const DROPS_AT_HOME: bool = false;
}

/// What all threads know.
#[derive(Clone)]
struct World {
    home: &'static Home,
    lock: Arc<LwtsLock>,
    seen: Arc<Seen>,
}

impl World {
    /// Runs `f` on Lwt's thread, which this is, without its lock. `f` joins its threads, and lets go of the object.
    fn run(f: impl FnOnce(&World)) {
        step_after_locks();
        let mut homes = Homes::new();
        // SAFETY: as is said above
        let home = unsafe { homes.add(true) };
        set_lwt_home(home);
        AtHome::install(home);
        let world = World {
            home,
            lock: Arc::default(),
            seen: Arc::default(),
        };
        f(&world);
        assert_eq!(world.seen.drops(), 1);
        assert_eq!(live_objects(), 0);
        AtHome::here().unwrap().leave();
    }

    fn object(&self) -> Object<Value> {
        Object::new(Value(self.seen.clone()))
    }

    /// With Lwt's lock.
    fn locked<R>(&self, f: impl FnOnce() -> R) -> R {
        let _held = self.lock.lock();
        f()
    }

    /// OCaml has it from Lwt's thread.
    fn given_here(&self, object: &Object<Value>) -> Arc<Block> {
        self.locked(|| Arc::new(Block::of(object)))
    }

    /// A call on Lwt's thread with what a block refers to. It releases the runtime lock in the middle.
    /// False: it was closed.
    fn call(&self, block: &Block) -> bool {
        let held = self.lock.lock();
        let Ok(borrowed) = Borrowed::<Value>::of(Live(block)) else {
            return false;
        };
        drop(held);
        borrowed.use_during(|| ());
        self.locked(|| {
            borrowed.use_during(|| ());
            drop(borrowed);
        });
        true
    }

    /// Lwt's loop, until the value is gone: it sleeps until it is woken. Where nobody lets go this is a deadlock.
    fn run_until_gone(&self) {
        while self.seen.drops() == 0 {
            self.home.wake.park();
            self.locked(|| tick(&Scope::enter(AtHome::here().unwrap())));
        }
    }
}

/// On another thread than Lwt's: what OCaml, or its collector, does with a block.
#[derive(Clone, Copy)]
enum Elsewhere {
    /// On a thread of Lwt's domain, with its lock.
    InLwtsDomain,
    /// On another domain.
    OnAnotherDomain,
}

impl Elsewhere {
    fn run(self, world: &World, f: impl FnOnce()) {
        match self {
            Elsewhere::InLwtsDomain => world.locked(f),
            Elsewhere::OnAnotherDomain => f(),
        }
    }
}

const PLACES: [Elsewhere; 2] = [Elsewhere::InLwtsDomain, Elsewhere::OnAnotherDomain];

/// Rust has it no more.
fn let_go(object: Object<Value>) {
    step();
    drop(object);
}

/// `f` in both places, each in every order.
fn check_elsewhere(f: impl Fn(&World, Elsewhere) + Copy + Sync + Send + 'static) {
    for place in PLACES {
        check(3, move || World::run(|world| f(world, place)));
    }
}

#[test]
fn an_object_that_is_closed_elsewhere_stays_for_the_calls_at_home() {
    check_elsewhere(|world, place| {
        let object = world.object();
        let block = world.given_here(&object);
        let_go(object);
        let closes = spawn({
            let (world, block) = (world.clone(), block.clone());
            move || place.run(&world, || block.close())
        });
        world.call(&block);
        world.call(&block);
        closes.join().unwrap();
        world.run_until_gone();
    });
}

#[test]
fn an_object_that_is_closed_twice_stays_for_calls_inside_of_one_another() {
    check_elsewhere(|world, place| {
        let object = world.object();
        let block = world.given_here(&object);
        let_go(object);
        let outer = world.locked(|| Borrowed::<Value>::of(Live(&block)).unwrap());
        let closes = spawn({
            let (world, block) = (world.clone(), block.clone());
            move || place.run(&world, || block.close())
        });
        outer.use_during(|| _ = world.call(&block));
        world.locked(|| block.close());
        outer.use_during(|| ());
        world.locked(|| drop(outer));
        closes.join().unwrap();
        world.run_until_gone();
    });
}

#[test]
fn an_object_whose_block_is_collected_stays_for_the_call_that_has_it() {
    check_elsewhere(|world, place| {
        let object = world.object();
        let block = world.given_here(&object);
        let borrowed = world.locked(|| Borrowed::<Value>::of(Live(&block)).unwrap());
        let collects = spawn({
            let world = world.clone();
            move || place.run(&world, || block.collected())
        });
        let lets_go = spawn(move || let_go(object));
        borrowed.use_during(|| ());
        world.locked(|| drop(borrowed));
        collects.join().unwrap();
        lets_go.join().unwrap();
        world.run_until_gone();
    });
}

#[test]
fn an_object_that_is_given_again_while_its_last_block_is_collected_is_there() {
    check_elsewhere(|world, place| {
        let object = world.object();
        let first = world.given_here(&object);
        let collects = spawn({
            let world = world.clone();
            move || place.run(&world, || first.collected())
        });
        let second = world.given_here(&object);
        let_go(object);
        world.locked(|| tick(&Scope::enter(AtHome::here().unwrap())));
        world.locked(|| {
            let borrowed = Borrowed::<Value>::of(Live(&second)).unwrap();
            borrowed.use_during(|| ());
        });
        collects.join().unwrap();
        world.locked(|| second.collected());
        world.run_until_gone();
    });
}

#[test]
fn what_rust_uses_on_a_thread_of_its_own_stays_when_ocaml_closes_it() {
    check_elsewhere(|world, place| {
        let object = world.object();
        let block = world.given_here(&object);
        let uses = spawn(move || {
            object.use_during(|| ());
            let_go(object);
        });
        let closes = spawn({
            let (world, block) = (world.clone(), block.clone());
            move || place.run(&world, || block.close())
        });
        world.call(&block);
        uses.join().unwrap();
        closes.join().unwrap();
        world.run_until_gone();
    });
}

#[test]
fn what_rust_closes_on_a_thread_of_its_own_goes_after_the_calls() {
    check(3, || {
        World::run(|world| {
            let object = world.object();
            let block = world.given_here(&object);
            let closes = spawn(move || {
                Object::close(&object);
                object.use_during(|| ());
                let_go(object);
            });
            world.call(&block);
            closes.join().unwrap();
            assert!(!world.call(&block), "a call after close");
            world.run_until_gone();
        });
    });
}

#[test]
fn a_call_on_another_domain_keeps_what_is_closed_at_home() {
    check(3, || {
        World::run(|world| {
            let object = world.object();
            let block = world.given_here(&object);
            let_go(object);
            let calls = spawn({
                let block = block.clone();
                move || {
                    if let Ok(object) = Object::<Value>::of_block(Live(&block)) {
                        object.use_during(|| ());
                        let_go(object);
                    }
                }
            });
            world.call(&block);
            world.locked(|| block.close());
            calls.join().unwrap();
            world.run_until_gone();
        });
    });
}

#[test]
fn an_object_of_another_domain_goes_when_it_is_closed_and_collected() {
    check(3, || {
        World::run(|world| {
            let object = world.object();
            let other = spawn(move || Arc::new(Block::of(&object)));
            let block = other.join().unwrap();
            let closes = spawn({
                let block = block.clone();
                move || {
                    block.close();
                    block.collected();
                }
            });
            world.call(&block);
            closes.join().unwrap();
            world.run_until_gone();
        });
    });
}

#[test]
fn an_object_that_is_closed_while_ocaml_is_given_it_goes() {
    check_elsewhere(|world, place| {
        let object = world.object();
        let block = world.given_here(&object);
        let closes = spawn({
            let (world, block) = (world.clone(), block.clone());
            move || place.run(&world, || block.close())
        });
        let other = world.given_here(&object);
        let_go(object);
        closes.join().unwrap();
        assert!(!world.call(&other), "a call after close");
        world.run_until_gone();
    });
}
