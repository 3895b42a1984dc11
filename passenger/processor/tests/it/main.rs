//! The passenger processor as a program.

mod settings;
