//! The flight processor as a program.

mod settings;
