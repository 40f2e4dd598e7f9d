//! The items of a Rust stream that OCaml has not got yet. Pure: no `unsafe`, no OCaml. One thread has them, that which has the
//! [`window`](super::window).
//!
//! 1. The ending comes after all items. Nothing comes after it, and no other ending takes its place. Only an item that
//!    cannot cross ends the stream earlier.
//! 2. It is taken once, and only when there are no items left.

use std::collections::VecDeque;

/// The items, and the ending after them from when it is known.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub(super) struct Buffer<T, E> {
    items: VecDeque<T>,
    after: After<E>,
}

/// What comes after the items.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub(super) enum After<E> {
    /// More of them, perhaps. From the start.
    More,
    /// This. Until it is taken.
    Ending(E),
    /// Nothing: the ending was taken.
    Nothing,
}

/// What was refused, for the caller to drop: the stream has an ending.
#[must_use = "dropping it runs code of the user's, which must not happen while the buffer is borrowed"]
#[derive(Debug)]
pub(super) struct TooLate<T>(pub(super) T);

impl<T, E> Buffer<T, E> {
    pub(super) fn new() -> Self {
        Buffer {
            items: VecDeque::new(),
            after: After::More,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the stream may give more.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.after, After::More)
    }

    /// Whether there are no items, and an ending.
    pub(super) fn is_over(&self) -> bool {
        self.items.is_empty() && !self.is_open()
    }

    /// The stream gave an item.
    pub(super) fn push(&mut self, item: T) -> Result<(), TooLate<T>> {
        if !self.is_open() {
            return Err(TooLate(item));
        }
        self.items.push_back(item);
        Ok(())
    }

    /// An item crosses.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// The stream gives no more.
    pub(super) fn end(&mut self, ending: E) -> Result<(), TooLate<E>> {
        if !self.is_open() {
            return Err(TooLate(ending));
        }
        self.after = After::Ending(ending);
        Ok(())
    }

    /// An item could not cross: this is the ending, and the items and the ending that would have come go, with the caller.
    pub(super) fn cut(&mut self, ending: E) -> TooLate<(VecDeque<T>, After<E>)> {
        let items = std::mem::take(&mut self.items);
        let after = std::mem::replace(&mut self.after, After::Ending(ending));
        TooLate((items, after))
    }

    /// The ending, when nothing stands before it.
    pub(super) fn take_ending(&mut self) -> Option<E> {
        if !self.is_over() {
            return None;
        }
        match std::mem::replace(&mut self.after, After::Nothing) {
            After::Ending(ending) => Some(ending),
            After::More | After::Nothing => None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Ending {
        End,
        Panic,
    }

    #[test]
    fn the_ending_stands_behind_all_items() {
        let mut buffer = Buffer::new();
        buffer.push(1).unwrap();
        buffer.end(Ending::End).unwrap();
        assert_eq!(buffer.take_ending(), None);
        assert_eq!(buffer.pop(), Some(1));
        assert!(buffer.is_over());
        assert_eq!(buffer.take_ending(), Some(Ending::End));
        assert_eq!(buffer.take_ending(), None);
        assert!(buffer.is_over());
    }

    #[test]
    fn nothing_comes_behind_the_ending_or_in_its_place() {
        let mut buffer = Buffer::new();
        buffer.end(Ending::Panic).unwrap();
        assert_eq!(buffer.push(1).unwrap_err().0, 1);
        assert!(buffer.end(Ending::End).is_err());
        assert_eq!(buffer.take_ending(), Some(Ending::Panic));
        assert!(buffer.push(1).is_err());
        assert!(buffer.end(Ending::End).is_err());
        assert_eq!(buffer.len(), 0);
    }

    #[test]
    fn what_stands_behind_an_item_that_cannot_cross_goes() {
        let mut buffer = Buffer::new();
        for item in 0..3 {
            buffer.push(item).unwrap();
        }
        buffer.end(Ending::End).unwrap();
        assert_eq!(buffer.pop(), Some(0));
        let TooLate((items, after)) = buffer.cut(Ending::Panic);
        assert_eq!(items, [1, 2]);
        assert!(matches!(after, After::Ending(Ending::End)));
        assert!(buffer.push(3).is_err());
        assert_eq!(buffer.take_ending(), Some(Ending::Panic));
    }
}
