//! The Rust half of the programs of the guide, `doc/guide/`: parts of a checker of links, a module for each chapter.

// What a name says already is not said again: the chapters show these lines.
#![allow(missing_docs)]

pub mod addresses;
pub mod callbacks;
pub mod cancellation;
pub mod debugging;
pub mod errors;
pub mod objects;
pub mod pictures;
pub mod streams;
pub mod threads;
