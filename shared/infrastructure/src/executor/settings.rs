use super::LARGEST_APPEND_BYTES;

/// What an operator may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorSettings {
    /// How many bytes of events are packed into one append, at most 524288; a command's own are never divided.
    pub append_bytes: usize,
    /// How many commands wait, at least one. Beyond that a caller is told to come back later.
    pub command_queue: usize,
}

impl Default for ExecutorSettings {
    fn default() -> Self {
        Self { append_bytes: LARGEST_APPEND_BYTES, command_queue: 4_096 }
    }
}
