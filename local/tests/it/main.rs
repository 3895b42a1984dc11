//! Everything in one process, as a user starts it.

mod command_line;
mod crash;
mod own_servers;
mod start;
mod stop;
mod system;
