//! What every program allocates its memory with: a program names this package in its `main.rs`, and that is all.
//!
//! Memory is often freed by another thread than the one that has allocated it, which is what this one is made for: a
//! command takes some six per cent less processor time with it than with that of glibc.

/// Without huge pages, of which a small service would use a part only.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
