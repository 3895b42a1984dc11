//! How long things may take that wait for each other. What contains a wait is longer than it: `const` assertions say
//! so.

use std::time::Duration;

macro_rules! limits {
    ($($(#[$meta:meta])* $name:ident = $milliseconds:literal ms, $what:literal;)+) => {
        $(#[doc = $what] $(#[$meta])* pub const $name: Duration = Duration::from_millis($milliseconds);)+

        /// All of them: name, milliseconds, and what is limited.
        pub const ALL: &[(&str, u64, &str)] = &[$((stringify!($name), $milliseconds, $what)),+];
    };
}

limits! {
    STORE_FIRST_ATTEMPT = 500 ms, "The first attempt of a read from the event store, before a fresh connection is tried";
    STORE_OPERATION = 1_200 ms, "One read from the event store with both attempts, a check, or the beginning of a subscription";
    APPEND = 1_000 ms, "One append of a batch";
    BATCH = 1_700 ms, "A batch of commands from decision to answer, with everything that is tried again";
    EXECUTOR_ANSWER = 5_000 ms, "A command: the batch before its own, its own, and time in the queue";
    RPC_ATTEMPT = 2_500 ms, "One attempt of a call to the other domain";
    RPC_CALL = 4_000 ms, "A call to the other domain with all its attempts";
    AT_ONCE = 1_500 ms, "What an answer waits for in the other domain although a reaction guarantees it";
    FRESHNESS = 2_000 ms, "A query that waits for its read model to reach the position it was sent with";
    SETTLE = 250 ms, "A query without a position that waits for what its process has seen happen";
    QUERY = 3_000 ms, "A query once it may begin";
    POSTGRES_CONNECT = 1_000 ms, "A connection to PostgreSQL, and the wait for a free one";
    POSTGRES_STATEMENT = 10_000 ms, "One statement, at the server";
    PROJECTION_BATCH = 30_000 ms, "What PostgreSQL does for one batch of a projection or of reactions";
    REQUEST = 16_000 ms, "A request at an API. The longest is a departure: it is decided, sealed in the other domain, and completed";
}

macro_rules! longer {
    ($long:expr, $($short:expr),+) => {
        const _: () = assert!($long.as_millis() > 0 $(+ $short.as_millis())+);
    };
}

longer!(STORE_OPERATION, STORE_FIRST_ATTEMPT);
longer!(BATCH, APPEND);
longer!(BATCH, STORE_OPERATION);
longer!(EXECUTOR_ANSWER, BATCH, BATCH);
// An API knows within this that its event store is away, and says so before its caller gives it up.
longer!(RPC_ATTEMPT, BATCH);
longer!(RPC_CALL, RPC_ATTEMPT);
longer!(PROJECTION_BATCH, POSTGRES_STATEMENT);
longer!(POSTGRES_STATEMENT, QUERY);
longer!(REQUEST, EXECUTOR_ANSWER, RPC_CALL, AT_ONCE, EXECUTOR_ANSWER);
longer!(REQUEST, RPC_CALL, EXECUTOR_ANSWER, AT_ONCE);
longer!(REQUEST, FRESHNESS, QUERY, POSTGRES_CONNECT);

// The application layer, which has no infrastructure, takes it from there.
const _: () = assert!(AT_ONCE.as_millis() == shared_kernel::AT_ONCE_LIMIT.as_millis());
const _: () = assert!(EXECUTOR_ANSWER.as_millis() == shared_kernel::DECISION_LIMIT.as_millis());
