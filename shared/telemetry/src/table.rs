//! All metrics. `documentation/operations.md` has the same table for operators; a test compares them.

use crate::family::{Counter, Description, Family, FloatCounter, Gauge, Handle, Histogram};

/// Seconds until an answer: from what a lookup in memory takes to what a client gives up at.
const ANSWERS: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds for a step of a command.
const STEPS: &[f64] = &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0];
/// How many of something are taken together.
const SIZES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 250.0, 512.0];
const NO_BUCKETS: &[f64] = &[];

macro_rules! metrics {
    ($($constant:ident: $handle:ident [$($label:ident),*] $name:literal, $help:literal $(, $buckets:ident)?;)+) => {
        $(
            #[doc = $help]
            pub static $constant: Family<$handle, { <[&str]>::len(&[$(stringify!($label)),*]) }> = Family::new(Description {
                name: $name,
                kind: <$handle as Handle>::KIND,
                labels: &[$(stringify!($label)),*],
                help: $help,
                buckets: metrics!(@buckets $($buckets)?),
            });
        )+

        /// All of them.
        pub const ALL: &[Description] = &[$(Description {
            name: $name,
            kind: <$handle as Handle>::KIND,
            labels: &[$(stringify!($label)),*],
            help: $help,
            buckets: metrics!(@buckets $($buckets)?),
        }),+];
    };
    (@buckets) => { NO_BUCKETS };
    (@buckets $buckets:ident) => { $buckets };
}

metrics! {
    BUILD_INFO: Gauge [version] "jetbridge_build_info", "1, with the version of the program.";

    HTTP_REQUESTS: Counter [service, method, route, status] "jetbridge_http_requests_total",
        "Requests that were answered; the status is 499 where the client left before.";
    HTTP_DURATION: Histogram [service, method, route] "jetbridge_http_request_duration_seconds",
        "Time until an answer began.", ANSWERS;
    HTTP_ACTIVE: Gauge [service] "jetbridge_http_active_requests", "Requests that are being answered.";
    HTTP_REFUSALS: Counter [service, limit] "jetbridge_http_refusals_total",
        "Requests that were refused because a limit was reached.";
    FEEDS: Gauge [service] "jetbridge_feeds_open", "Streams of server-sent events that are open.";

    UPSTREAM_FAILURES: Counter [upstream, failure] "jetbridge_gateway_upstream_failures_total",
        "Requests that a service behind the gateway has not answered.";
    UPSTREAM_INSTANCES: Gauge [upstream, state] "jetbridge_gateway_upstream_instances",
        "Instances of a service behind the gateway: in_use, left_out because requests failed, or not_ready.";
    UPSTREAM_EJECTIONS: Counter [upstream] "jetbridge_gateway_upstream_ejections_total",
        "Times that an instance was left out because a request to it failed.";

    COMMANDS: Counter [stream, outcome] "jetbridge_executor_commands_total", "Commands, by what became of them.";
    COMMAND_QUEUE: Gauge [stream] "jetbridge_executor_queue_commands", "Commands that wait to be decided.";
    COMMAND_QUEUE_MAX: Gauge [stream] "jetbridge_executor_queue_limit_commands",
        "Commands that may wait to be decided.";
    BATCH_COMMANDS: Histogram [stream] "jetbridge_executor_batch_commands", "Commands decided together.", SIZES;
    DECIDE_DURATION: Histogram [stream] "jetbridge_executor_decide_duration_seconds",
        "Time to decide a batch of commands.", STEPS;
    APPEND_DURATION: Histogram [stream] "jetbridge_executor_append_duration_seconds",
        "Time to append the events of a batch, if that succeeded.", STEPS;
    APPEND_FAILURES: Counter [stream, failure] "jetbridge_executor_append_failures_total",
        "Appends that did not succeed; the batch is decided again or given up.";
    EXECUTOR_CONNECTED: Gauge [stream] "jetbridge_executor_connected",
        "1 while commands are taken, 0 while the event store is away or the stream is being read.";

    READER_LEADING: Gauge [reader] "jetbridge_reader_leading",
        "1 if this instance works on the stream, 0 if another does or none.";
    READER_EVENTS: Counter [reader] "jetbridge_reader_events_total", "Events that were worked on and settled.";
    READER_BATCH_DURATION: Histogram [reader] "jetbridge_reader_batch_duration_seconds",
        "Time to write the rows of a batch of events and the checkpoint.", ANSWERS;
    READER_LAG: Gauge [reader] "jetbridge_reader_lag_events", "Events of the stream behind the checkpoint.";
    READER_LAG_SECONDS: Gauge [reader] "jetbridge_reader_lag_seconds",
        "Age of the oldest event behind the checkpoint; 0 if there is none.";
    READER_CHECKPOINT: Gauge [reader] "jetbridge_reader_checkpoint_timestamp_seconds",
        "When this instance last moved the checkpoint.";
    READER_PARKED: Gauge [reader] "jetbridge_reader_parked_events", "Events that are parked.";
    READER_FAILURES: Counter [reader] "jetbridge_reader_restarts_total",
        "Times that the reader stopped at a failure and started over.";
    READER_HALTED: Gauge [reader] "jetbridge_reader_halted", "1 while reactions wait for an operator's word.";
    REBUILD_EVENTS: Gauge [reader] "jetbridge_reader_rebuild_events",
        "Events that a rebuild has come to; missing while this instance does none.";
    REBUILD_OF: Gauge [reader] "jetbridge_reader_rebuild_of_events", "Events that it has to come to.";
    REACTION_RETRIES: Counter [reader] "jetbridge_reaction_retries_total", "Attempts at reactions that did not succeed.";
    REACTION_RETRYING: Gauge [reader] "jetbridge_reaction_lanes_retrying",
        "Lanes that stand at a reaction that is tried again.";
    REACTION_OLDEST: Gauge [reader] "jetbridge_reaction_oldest_retry_seconds",
        "For how long the oldest of these reactions has been tried; 0 if there is none.";
    REACTION_UNFINISHED: Gauge [reader] "jetbridge_reaction_events_in_hand",
        "Events that were read and are neither reacted to nor parked.";

    READ_MODEL_WAIT: Histogram [stream] "jetbridge_read_model_wait_seconds",
        "Time that queries waited until the read model reflected what their clients had seen.", ANSWERS;
    READ_MODEL_STALE: Counter [stream] "jetbridge_read_model_stale_total",
        "Queries that were refused because the read model did not get there in time.";

    POOL_CONNECTIONS: Gauge [service, state] "jetbridge_database_pool_connections",
        "Connections to PostgreSQL that requests share.";
    POOL_LIMIT: Gauge [service] "jetbridge_database_pool_limit_connections", "Connections that there may be.";
    POOL_WAITING: Gauge [service] "jetbridge_database_pool_waiting_requests", "Requests that wait for a connection.";
    POOL_WAIT: Histogram [] "jetbridge_database_pool_wait_seconds", "Time until a connection was there.", STEPS;
    POOL_FAILURES: Counter [] "jetbridge_database_pool_failures_total", "Requests that got no connection.";

    RPC_DURATION: Histogram [called] "jetbridge_rpc_call_duration_seconds",
        "Time that calls to another domain took, with all attempts.", ANSWERS;
    RPC_FAILURES: Counter [called] "jetbridge_rpc_call_failures_total", "Calls to another domain that failed.";

    STORE_COMMITS: Counter [] "jetbridge_eventstore_commits_total", "Transactions of the embedded event store.";
    STORE_COMMIT_DURATION: Histogram [] "jetbridge_eventstore_commit_duration_seconds",
        "Time until a transaction was on disk, which is mostly the wait for fsync.", STEPS;
    STORE_REQUESTS: Histogram [] "jetbridge_eventstore_commit_requests", "Writes in one transaction.", SIZES;
    STORE_FAILURES: Counter [] "jetbridge_eventstore_commit_failures_total", "Transactions that failed.";
    STORE_SIZE: Gauge [] "jetbridge_eventstore_size_bytes", "Size of the embedded event store's files.";
    STORE_AVAILABLE: Gauge [] "jetbridge_eventstore_disk_available_bytes", "Free space on the disk of these files.";
    STORE_DISK: Gauge [] "jetbridge_eventstore_disk_size_bytes", "Size of the disk of these files.";

    KEYS: Gauge [] "jetbridge_access_keys", "Access keys in the file that have not expired.";
    KEYS_EXPIRY: Gauge [] "jetbridge_access_keys_next_expiry_timestamp_seconds",
        "When the next of them expires; missing if none does.";
    CERTIFICATE_EXPIRY: Gauge [of] "jetbridge_certificate_expiry_timestamp_seconds",
        "When a certificate that this process relies on expires.";

    RUNTIME_WORKERS: Gauge [] "jetbridge_runtime_workers", "Threads that run tasks.";
    RUNTIME_TASKS: Gauge [] "jetbridge_runtime_tasks", "Tasks that have not ended.";
    RUNTIME_QUEUE: Gauge [] "jetbridge_runtime_queue_tasks", "Tasks that wait in the queue of all threads.";
    RUNTIME_BUSY: FloatCounter [] "jetbridge_runtime_busy_seconds_total", "Time that these threads were busy, in all.";

    PROCESS_CPU: FloatCounter [] "process_cpu_seconds_total", "Processor time used.";
    PROCESS_MEMORY: Gauge [] "process_resident_memory_bytes", "Memory in use.";
    PROCESS_MEMORY_LIMIT: Gauge [] "jetbridge_process_memory_limit_bytes",
        "Memory that the container or else the machine has.";
    PROCESS_FILES: Gauge [] "process_open_fds", "Open files, connections among them.";
    PROCESS_FILES_MAX: Gauge [] "process_max_fds", "Files that may be open.";
    PROCESS_THREADS: Gauge [] "process_threads", "Threads.";
    PROCESS_START: Gauge [] "process_start_time_seconds", "When the process started.";
}
