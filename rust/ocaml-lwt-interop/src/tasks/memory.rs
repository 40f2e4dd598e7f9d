//! The memory of tasks that have ended, for those that come: a call that is ready at once takes what the one before it has given
//! back. HACKING.md has the number: glibc's `malloc` and `free` were 127 of 742 instructions of a ready call, and twice that with
//! many at a time.
//!
//! 1. Memory is of a class, a multiple of 16 bytes, and is taken and given back as such. What is larger, or aligned to more than that,
//!    is the allocator's alone.
//! 2. No more than [`MOST`] bytes are kept. In a debug build, for a model checker and in Miri nothing is, so that a use after the end
//!    is found; but with `--cfg keeps_memory`, with which AddressSanitizer looks at what keeps it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

/// The size of the smallest class, and what all are multiples of.
const UNIT: usize = 16;
/// How many classes there are.
const CLASSES: usize = 32;
/// How many bytes are kept, for a domain.
const MOST: usize = 256 << 10;

const KEEPS: bool = cfg!(keeps_memory) || !(cfg!(debug_assertions) || cfg!(loom) || cfg!(miri));

/// What is kept. One thread's.
pub(crate) struct Memory {
    /// The first of each class. Each begins with the address of the next.
    first: [Cell<Option<NonNull<Kept>>>; CLASSES],
    bytes: Cell<usize>,
}

struct Kept {
    next: Option<NonNull<Kept>>,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            first: [const { Cell::new(None) }; CLASSES],
            bytes: Cell::new(0),
        }
    }
}

/// The class of a layout, and the layout of all that are of it; rule 1.
const fn class(layout: Layout) -> Option<(usize, Layout)> {
    let units = layout.size().div_ceil(UNIT);
    if units == 0 || units > CLASSES || layout.align() > UNIT {
        return None;
    }
    match Layout::from_size_align(units * UNIT, UNIT) {
        Ok(layout) => Some((units - 1, layout)),
        Err(_) => None,
    }
}

impl Memory {
    /// Memory for a `T`, here or, without `memory`, on another thread.
    #[inline]
    pub(super) fn take<T>(memory: Option<&Memory>) -> NonNull<T> {
        let layout = Layout::new::<T>();
        let Some((class, layout)) = class(layout) else {
            return allocate(layout);
        };
        let kept = memory.and_then(|memory| memory.first[class].get().map(|kept| (memory, kept)));
        let Some((memory, kept)) = kept else {
            return allocate(layout);
        };
        // SAFETY: what is in the list is nobody else's, and was written by `give_back`
        memory.first[class].set(unsafe { kept.read() }.next);
        memory.bytes.set(memory.bytes.get() - layout.size());
        kept.cast()
    }

    /// Takes memory back, here or, without `memory`, on another thread.
    ///
    /// # Safety
    /// It comes from [`Memory::take`] of this `T`, and nobody uses it any more.
    #[inline]
    pub(super) unsafe fn give_back<T>(memory: Option<&Memory>, place: NonNull<T>) {
        let layout = Layout::new::<T>();
        let Some((class, layout)) = class(layout) else {
            // SAFETY: `take` has it from the allocator, with this layout
            return unsafe { dealloc(place.as_ptr().cast(), layout) };
        };
        match memory {
            Some(memory) if KEEPS && memory.bytes.get() + layout.size() <= MOST => {
                let first = &memory.first[class];
                let kept = place.cast::<Kept>();
                // SAFETY: nobody uses it; it is aligned to a `UNIT`, and no smaller than that
                unsafe { kept.write(Kept { next: first.get() }) };
                first.set(Some(kept));
                memory.bytes.set(memory.bytes.get() + layout.size());
            }
            // SAFETY: as above, with the layout of the class
            _ => unsafe { dealloc(place.as_ptr().cast(), layout) },
        }
    }
}

#[cold]
#[inline(never)]
fn allocate<T>(layout: Layout) -> NonNull<T> {
    // SAFETY: no task has no size: it has a head
    let place = unsafe { alloc(layout) };
    NonNull::new(place.cast()).unwrap_or_else(|| handle_alloc_error(layout))
}

impl Drop for Memory {
    fn drop(&mut self) {
        for (class, first) in self.first.iter().enumerate() {
            let mut next = first.take();
            while let Some(kept) = next {
                let layout = Layout::from_size_align((class + 1) * UNIT, UNIT);
                let layout = layout.expect("a class has one");
                // SAFETY: what is in the list is nobody else's, and comes from the allocator with this layout
                unsafe {
                    next = kept.read().next;
                    dealloc(kept.as_ptr().cast(), layout);
                }
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn take<T>(memory: &Memory) -> NonNull<T> {
        Memory::take(Some(memory))
    }

    fn give_back<T>(memory: &Memory, place: NonNull<T>) {
        // SAFETY: of the tests' own `take`, which nobody uses
        unsafe { Memory::give_back(Some(memory), place) }
    }

    #[test]
    fn what_was_given_back_is_taken_by_what_is_of_its_class() {
        let memory = Memory::default();
        let place = take::<[u64; 5]>(&memory);
        let address = place.addr();
        give_back(&memory, place);
        let next = take::<[u64; 6]>(&memory);
        if KEEPS {
            assert_eq!(next.addr(), address);
        }
        assert_eq!(memory.bytes.get(), 0);
        let larger = take::<[u64; 7]>(&memory);
        assert_ne!(larger.addr(), next.addr());
        give_back(&memory, larger);
        give_back(&memory, next);
    }

    #[test]
    fn no_more_is_kept_than_the_most() {
        let memory = Memory::default();
        let places: Vec<_> = (0..MOST / 64).map(|_| take::<[u64; 9]>(&memory)).collect();
        places
            .into_iter()
            .for_each(|place| give_back(&memory, place));
        assert!(memory.bytes.get() <= MOST);
        assert_eq!(memory.bytes.get() > MOST - 80, KEEPS);
    }

    #[test]
    fn what_is_large_or_aligned_otherwise_is_not_kept() {
        #[repr(align(64))]
        struct Aligned(#[expect(dead_code, reason = "it is for its size")] [u8; 64]);
        let memory = Memory::default();
        let (large, aligned) = (take::<[u64; 100]>(&memory), take::<Aligned>(&memory));
        assert_eq!(aligned.addr().get() % 64, 0);
        give_back(&memory, large);
        give_back(&memory, aligned);
        assert_eq!(memory.bytes.get(), 0);
    }
}
