//! See `../README.md`.
