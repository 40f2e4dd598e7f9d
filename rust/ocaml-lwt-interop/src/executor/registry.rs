//! The tasks of a domain that have a future, by key.

use std::sync::Arc;

use slab::Slab;

use super::task::Task;

/// A task's place, and how many were registered before it: OCaml holds keys of tasks that may have ended, whose place
/// another one has taken. Fits in an OCaml `int`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    place: u32,
    generation: u32,
}

impl Key {
    /// No task's.
    pub(crate) const NONE: Key = Key {
        place: u32::MAX,
        generation: 0,
    };

    /// As an OCaml `int`: 31 bits of the generation, the place below.
    pub(crate) fn to_int(self) -> isize {
        ((self.generation as isize & 0x7fff_ffff) << 32) | self.place as isize
    }

    pub(crate) fn from_int(n: isize) -> Key {
        Key {
            place: n as u32,
            generation: (n >> 32) as u32 & 0x7fff_ffff,
        }
    }
}

#[derive(Default)]
pub(super) struct Registry {
    tasks: Slab<(u32, Arc<dyn Task>)>,
    generation: u32,
}

impl Registry {
    pub(super) fn insert(&mut self, task: Arc<dyn Task>) -> Key {
        self.generation = self.generation.wrapping_add(1) & 0x7fff_ffff;
        let place = self.tasks.insert((self.generation, task));
        let place = u32::try_from(place).expect("fewer tasks than fit into memory");
        Key {
            place,
            generation: self.generation,
        }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Arc<dyn Task>> {
        self.tasks
            .get(key.place as usize)
            .filter(|(generation, _)| *generation == key.generation)?;
        self.tasks
            .try_remove(key.place as usize)
            .map(|(_, task)| task)
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<dyn Task>> {
        let (generation, task) = self.tasks.get(key.place as usize)?;
        (*generation == key.generation).then(|| task.clone())
    }

    pub(super) fn all(&self) -> Vec<Arc<dyn Task>> {
        self.tasks
            .iter()
            .map(|(_, (_, task))| task.clone())
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }
}
