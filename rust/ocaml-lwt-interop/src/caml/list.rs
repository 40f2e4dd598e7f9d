//! OCaml lists, cell by cell, while anything may happen in between.

use super::live::Live;
use super::lock::Access;
use super::value::{EMPTY_LIST, is_immediate, replace};

/// The elements of a list, each rooted. Any other value has none.
pub(crate) struct ListItems<'a> {
    access: Access<'a>,
    /// Rooted.
    rest: ocaml::Value,
}

/// A cell is a block of tag 0 with two fields.
fn is_cell(live: Live<'_>) -> bool {
    live.is_tagged(0) && live.size() == 2
}

impl<'a> ListItems<'a> {
    pub(crate) fn of(access: Access<'a>, list: &ocaml::Value) -> ListItems<'a> {
        let rest = Live::of(access, list).rooted();
        ListItems { access, rest }
    }

    /// How many are left.
    pub(crate) fn count_left(&self) -> usize {
        let first = Live::of(self.access, &self.rest);
        let cells = std::iter::successors(Some(first), |cell| cell.field(1));
        cells.take_while(|cell| is_cell(*cell)).count()
    }
}

impl Iterator for ListItems<'_> {
    type Item = ocaml::Value;

    fn next(&mut self) -> Option<ocaml::Value> {
        let cell = Some(Live::of(self.access, &self.rest)).filter(|rest| is_cell(*rest))?;
        let head = cell.field(0)?.rooted();
        let tail = cell.field(1)?.raw();
        if is_immediate(tail) {
            self.rest = EMPTY_LIST;
        } else {
            // SAFETY: nothing has allocated on the OCaml heap since it was read
            unsafe { replace(self.access, &mut self.rest, tail) };
        }
        Some(head)
    }
}
