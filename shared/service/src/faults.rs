use std::fmt;

use crate::problem::{FaultPlace, InvalidPart, Problem};

/// Collects what is wrong with a request, up to a limit, so that its sender can correct everything at once.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    parts: Vec<InvalidPart>,
}

impl Faults {
    /// How many faults are listed; a request with more is hopeless anyway, and the answer stays small.
    const MAX_LISTED: usize = 50;
    /// The longest name that is repeated to the sender, in bytes.
    const MAX_NAME_LENGTH: usize = 100;

    pub(crate) fn field(&mut self, name: &str, detail: impl fmt::Display) {
        if name.len() > Self::MAX_NAME_LENGTH {
            return self.body(format_args!("has a field whose name is longer than {} bytes", Self::MAX_NAME_LENGTH));
        }
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        self.add(FaultPlace::Pointer(pointer), detail);
    }

    pub(crate) fn body(&mut self, detail: impl fmt::Display) {
        self.add(FaultPlace::Pointer(String::new()), detail);
    }

    pub(crate) fn parameter(&mut self, name: &str, detail: impl fmt::Display) {
        let shown = name.char_indices().take_while(|(at, _)| *at < Self::MAX_NAME_LENGTH).map(|(_, c)| c).collect();
        self.add(FaultPlace::Parameter(shown), detail);
    }

    fn add(&mut self, place: FaultPlace, detail: impl fmt::Display) {
        if self.parts.len() < Self::MAX_LISTED {
            self.parts.push(InvalidPart { place, detail: detail.to_string() });
        }
    }

    /// The value, if nothing is wrong.
    pub(crate) fn or_value<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.parts.is_empty() => Ok(value),
            None if self.parts.is_empty() => Err(Problem::internal("a request reader gave nothing and no reason")),
            _ => Err(Problem::invalid_request(self.parts)),
        }
    }
}
