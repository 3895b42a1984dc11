use std::fmt;

/// A type of problem, as the public API answers it (RFC 9457). Slug and status are promises to clients.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProblemType {
    /// The stable last part of its address, such as `not-found`.
    pub slug: &'static str,
    /// Its address, relative to the gateway, such as `/problems/not-found`.
    pub path: &'static str,
    /// The HTTP status that goes with it: 400 to 599.
    pub status: u16,
    /// A short name for people.
    pub title: &'static str,
    /// What it means, for people.
    pub meaning: &'static str,
    /// What to do about it, for people.
    pub remedy: &'static str,
}

impl fmt::Debug for ProblemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug)
    }
}

/// Declares types of problems: a constant for each, and `ALL` of them.
///
/// ```
/// shared_kernel::problem_types! {
///     GATE_TAKEN = 409, "gate-taken", "Gate taken",
///         "Another plane is at this gate.",
///         "Choose another gate.";
/// }
///
/// assert_eq!(GATE_TAKEN.path, "/problems/gate-taken");
/// assert_eq!(ALL, [GATE_TAKEN]);
/// ```
#[macro_export]
macro_rules! problem_types {
    ($($name:ident = $status:literal, $slug:literal, $title:literal, $meaning:literal, $remedy:literal;)+) => {
        $(
            #[doc = $meaning]
            pub const $name: &$crate::ProblemType = &$crate::ProblemType {
                slug: $slug,
                path: concat!("/problems/", $slug),
                status: $status,
                title: $title,
                meaning: $meaning,
                remedy: $remedy,
            };
            const _: () = assert!($status >= 400 && $status < 600);
        )+

        /// All types of this catalogue.
        pub const ALL: &[&$crate::ProblemType] = &[$($name,)+];
    };
}
