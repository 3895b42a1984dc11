//! What every program allocates its memory with: a program names this package in its `main.rs`, and that is all.
//!
//! The usual allocator takes a tenth of the processor time of a command, since memory is mostly freed by another thread
//! than the one that has allocated it, which is what this one is made for.

/// Without huge pages, of which a small service would use a part only.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
