//! The operations of custom blocks, as the runtime has them.

use ocaml::sys;

/// `custom_operations` holds pointers, so it is not `Sync` by itself.
pub(super) struct Operations(pub(super) sys::custom_operations);

// SAFETY: constant; the runtime reads it only
unsafe impl Sync for Operations {}
