//! What each role may do.

mod roles;
