//! Objects without OCaml's heap. A block is a value that a model has; a destructor runs at once, wherever the last user lets go.

#[path = "../../../rust/ocaml-lwt-interop/src/objects/borrowed.rs"]
mod borrowed;
#[path = "../../../rust/ocaml-lwt-interop/src/objects/cell.rs"]
mod cell;

pub(crate) use block::Block;

mod disposal {
    use std::thread::ThreadId;

    use crate::home::Home;

    pub(super) enum Place {
        Anywhere,
        Home(Option<&'static Home>),
        Thread(ThreadId, Option<&'static Home>),
    }

    /// # Safety
    /// As that of the crate.
    pub(super) unsafe fn dispose<T: 'static>(value: T, _place: Place, after: fn()) {
        drop(value);
        after();
    }
}

/// As much of the crate's as a model needs, without types: it has one.
mod block {
    use std::sync::{Arc, Weak};

    use super::cell::{AnyCell, Cell, OCamlObject, Object};
    use crate::caml::Live;
    use crate::lock::step;

    pub(crate) struct Block {
        cell: Weak<dyn AnyCell>,
        address: *const (),
        pub(super) is_lwts: bool,
    }

    // SAFETY: the memory of the cell, which is both, is there as long as the block
    unsafe impl Send for Block {}
    // SAFETY: as above
    unsafe impl Sync for Block {}

    #[derive(Debug)]
    pub(crate) struct Refused;

    impl Refused {
        pub(super) fn closed<T: OCamlObject>() -> Refused {
            Refused
        }
    }

    impl Block {
        /// As `to_value`.
        pub(super) fn of<T: OCamlObject>(object: &Object<T>) -> Block {
            let (cell, is_lwts) = object.add_block();
            let address = Arc::as_ptr(cell).cast();
            let cell: Arc<dyn AnyCell> = cell.clone();
            Block {
                cell: Arc::downgrade(&cell),
                address,
                is_lwts,
            }
        }

        pub(super) fn close(&self) {
            if let Some(cell) = self.cell() {
                cell.close();
                step();
            }
        }

        /// Once.
        pub(super) fn collected(&self) {
            if let Some(cell) = self.cell() {
                cell.block_collected();
                step();
            }
        }

        fn cell(&self) -> Option<Arc<dyn AnyCell>> {
            step();
            let cell = self.cell.upgrade();
            step();
            cell
        }
    }

    pub(super) fn find<T: OCamlObject>(
        live: Live<'_>,
    ) -> Result<(&Block, *const Cell<T>), Refused> {
        Ok((live.0, live.0.address.cast()))
    }

    impl<T: OCamlObject> Object<T> {
        pub(super) fn of_block(live: Live<'_>) -> Result<Self, Refused> {
            let cell = live.0.cell().map(|cell| cell.into_any().downcast());
            let Some(Ok(cell)) = cell else {
                return Err(Refused);
            };
            let object: Object<T> = Object::of(cell);
            if Object::is_closed(&object) {
                return Err(Refused);
            }
            Ok(object)
        }
    }
}

#[cfg(test)]
#[path = "model/object.rs"]
mod model;
