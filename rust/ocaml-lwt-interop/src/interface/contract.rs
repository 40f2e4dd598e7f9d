//! [`Interface`]: a trait that OCaml implements.

use std::sync::Arc;

use super::functions::Functions;
use crate::conversion::declare::{Type, Types};

/// A trait with [`macro@crate::interface`], as `dyn Trait`.
///
/// # Safety
/// OCaml's type for it is a record of the functions that are called, in their order.
pub unsafe trait Interface: Send + Sync + 'static {
    /// What tells it from others: its path.
    #[doc(hidden)]
    const KEY: &'static str;
    /// The names of its functions, in order.
    #[doc(hidden)]
    const FUNCTIONS: &'static [&'static str];
    #[doc(hidden)]
    fn ocaml_type(types: &mut Types) -> Type;
    #[doc(hidden)]
    fn implemented(functions: Functions) -> Arc<Self>;
}
