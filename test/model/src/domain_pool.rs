//! The jobs of a pool of worker domains.

#[path = "../../../rust/ocaml-lwt-interop/src/domain_pool/job.rs"]
mod job;
#[path = "../../../rust/ocaml-lwt-interop/src/domain_pool/queue.rs"]
mod queue;

#[cfg(test)]
#[path = "model/pool.rs"]
mod model;
