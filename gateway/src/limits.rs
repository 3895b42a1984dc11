//! What is too much, and too long.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use shared_service::body::BODY_LIMIT;

use crate::rate::Rates;

/// What may be set at most.
const MOST: u64 = 1_000_000;

/// What is too much, and too long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may take to connect to a service, with the handshake where it is spoken to over TLS.
    pub connect: Duration,
    /// How long an answer may take to begin.
    pub request: Duration,
    /// How long an answer that has begun may pause. Server-sent events may pause for ever.
    pub pause: Duration,
    /// How many requests wait for an answer at a time.
    pub in_flight: usize,
    /// How many of them may be of one client: somebody who is known, or else an address. If `None`,
    /// [`Self::IN_FLIGHT_PER_CLIENT`], and any number from this machine.
    pub in_flight_per_client: Option<usize>,
    /// How many streams of server-sent events one client may have open. If `None`, [`Self::FEEDS_PER_PRINCIPAL`] or
    /// [`Self::FEEDS_PER_ADDRESS`], and any number from this machine.
    pub feeds_per_client: Option<usize>,
    /// How long the body of a request may take to arrive.
    pub body: Duration,
    /// How many requests a second one client may send; 0 for no limit. If `None`, [`Self::RATE_PER_PRINCIPAL`] or
    /// [`Self::RATE_PER_ADDRESS`], and any number from this machine.
    pub requests_per_second: Option<u32>,
    /// How many requests a second may come in all; no limit if `None`.
    pub requests_per_second_in_all: Option<NonZeroU32>,
}

impl Limits {
    /// Requests of one client that wait for an answer at a time, unless set.
    pub const IN_FLIGHT_PER_CLIENT: usize = 512;
    /// Streams of server-sent events of somebody who is known, unless set.
    pub const FEEDS_PER_PRINCIPAL: usize = 20;
    /// Streams of server-sent events of one address, unless set.
    pub const FEEDS_PER_ADDRESS: usize = 100;
    // Constants: a zero would not compile.
    /// Requests a second of somebody who is known, unless set.
    pub const RATE_PER_PRINCIPAL: NonZeroU32 = NonZeroU32::new(100).unwrap();
    /// Requests a second of one address, which may be that of a whole office, unless set.
    pub const RATE_PER_ADDRESS: NonZeroU32 = NonZeroU32::new(300).unwrap();

    /// How many requests a second there may be of one client. With `for_all`, where nobody has to say who they are, every
    /// client is on this machine.
    pub(crate) fn rates(&self, for_all: bool) -> Rates {
        match self.requests_per_second.map(NonZeroU32::new) {
            Some(set) => Rates { principal: set, address: set, limits_loopback: true },
            None if for_all => Rates::default(),
            None => Rates {
                principal: Some(Self::RATE_PER_PRINCIPAL),
                address: Some(Self::RATE_PER_ADDRESS),
                limits_loopback: false,
            },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            request: Duration::from_secs(35),
            pause: Duration::from_secs(30),
            in_flight: 4096,
            in_flight_per_client: None,
            feeds_per_client: None,
            body: BODY_LIMIT,
            requests_per_second: None,
            requests_per_second_in_all: None,
        }
    }
}

/// What is set of the limits, in every program with a gateway.
#[derive(Debug, Clone, Copy, Args)]
pub struct LimitArgs {
    /// Requests per second that one client may send: who has identified themselves, or else an address; 0 for no limit
    /// [default: 100, 300 of an address, and any number from this machine]
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_RATE_LIMIT")]
    rate_limit: Option<u32>,
    /// Requests per second that all clients together may send; 0 for no limit
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_RATE_LIMIT_IN_ALL", default_value_t = 0)]
    rate_limit_in_all: u32,
    /// Requests that wait for an answer at a time
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_MAX_IN_FLIGHT", default_value_t = Limits::default().in_flight)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST))]
    max_in_flight: usize,
    /// Requests of one client that wait for an answer at a time [default: 512, and any number from this machine]
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_MAX_IN_FLIGHT_PER_CLIENT")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST))]
    max_in_flight_per_client: Option<usize>,
    /// Streams of server-sent events that one client may have open [default: 20, 100 of an address, and any number from
    /// this machine]
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_MAX_FEEDS_PER_CLIENT")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST))]
    max_feeds_per_client: Option<usize>,
}

impl LimitArgs {
    /// The limits, with this one for how long a service may take until its answer begins.
    #[must_use]
    pub fn limits(&self, request: Duration) -> Limits {
        Limits {
            request,
            in_flight: self.max_in_flight,
            in_flight_per_client: self.max_in_flight_per_client,
            feeds_per_client: self.max_feeds_per_client,
            requests_per_second: self.rate_limit,
            requests_per_second_in_all: NonZeroU32::new(self.rate_limit_in_all),
            ..Limits::default()
        }
    }
}
