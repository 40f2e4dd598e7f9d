//! What a domain must end if nobody else does, by key: tasks that have a future, resolvers of pending promises.

use slab::Slab;

/// An entry's place, and how many were registered before it: OCaml holds keys of tasks that may have ended, whose place
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

pub(crate) struct Registry<T> {
    entries: Slab<(u32, T)>,
    generation: u32,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Registry {
            entries: Slab::new(),
            generation: 0,
        }
    }
}

impl<T> Registry<T> {
    pub(crate) fn insert(&mut self, entry: T) -> Key {
        self.generation = self.generation.wrapping_add(1) & 0x7fff_ffff;
        let place = self.entries.insert((self.generation, entry));
        let place = u32::try_from(place).expect("fewer entries than fit into memory");
        Key {
            place,
            generation: self.generation,
        }
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        self.entries
            .try_remove(key.place as usize)
            .map(|(_, entry)| entry)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let (generation, entry) = self.entries.get(key.place as usize)?;
        (*generation == key.generation).then_some(entry)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, (_, entry))| entry)
    }

    pub(crate) fn take_all(&mut self) -> Vec<T> {
        self.entries.drain().map(|(_, entry)| entry).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
