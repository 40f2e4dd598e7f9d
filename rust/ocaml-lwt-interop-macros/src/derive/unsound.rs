//! What a field must not be.

use crate::check;
use crate::messages::{self, Errors};
use syn::visit::{self, Visit};

/// Which of the two, and how it is called.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    ToOCaml,
    FromOCaml,
}

/// Finds what points into the OCaml heap, and what raises in the middle of a conversion.
pub(super) struct Unsound<'a> {
    pub(super) direction: Direction,
    pub(super) errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Unsound<'_> {
    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        match self.direction {
            Direction::FromOCaml => self.errors.push(messages::DERIVE_REFERENCE.at(reference)),
            Direction::ToOCaml => visit::visit_type_reference(self, reference),
        }
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        if check::is_raw(&path.path) {
            self.errors.push(messages::DERIVE_RAW.at(path));
        } else if check::is_result_of_ocaml_error(&path.path) {
            self.errors.push(messages::DERIVE_OCAML_ERROR.at(path));
        } else {
            visit::visit_type_path(self, path);
        }
    }
}
