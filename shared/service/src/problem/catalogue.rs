use http::StatusCode;

macro_rules! catalogue {
    ($($name:ident = $status:ident, $slug:literal, $title:literal, $meaning:literal, $remedy:literal;)+) => {
        /// Every type of problem that the public API answers with. Slugs and statuses are a public contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemType {
            $(#[doc = $meaning] $name,)+
        }

        impl ProblemType {
            /// The whole catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable last part of the type's address, such as `not-all-boarded`.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)+ }
            }

            /// The type's address, relative to the gateway, such as `/problems/not-all-boarded`.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => concat!("/problems/", $slug),)+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// A short name for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// What to do about it, for people.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }
        }
    };
}

impl ProblemType {
    /// The type with this slug, if there is one.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }
}

catalogue! {
    MalformedJson = BAD_REQUEST, "malformed-json", "Malformed JSON",
        "The request body is not a JSON document in UTF-8.",
        "Correct the body at the place that `detail` names, and send it again.";
    MalformedHeader = BAD_REQUEST, "malformed-header", "Malformed header",
        "A request header has a value that this service cannot read.",
        "Correct the header that `detail` names. A Jetbridge-Position, an ETag or a cursor has to be sent exactly as it was received.";
    InvalidRequest = UNPROCESSABLE_ENTITY, "invalid-request", "Invalid request",
        "The request could be read, but some of its fields or query parameters are missing, unknown or not allowed. Nothing was done.",
        "`errors` lists each fault: `pointer` (or `parameter`) says where it is, `detail` what to change.";
    NotFound = NOT_FOUND, "not-found", "Not found",
        "There is nothing at this address.",
        "Check the path against the API description.";
    FlightNotFound = NOT_FOUND, "flight-not-found", "Flight not found",
        "There is no flight with this id, or it was deleted.",
        "Check the id. If the flight was created a moment ago, send the Jetbridge-Position of that answer along.";
    PassengerNotFound = NOT_FOUND, "passenger-not-found", "Passenger not found",
        "There is no passenger with this id, or the passenger was removed together with the flight.",
        "Check the id. If the passenger was added a moment ago, send the Jetbridge-Position of that answer along.";
    ManifestNotFound = NOT_FOUND, "manifest-not-found", "Manifest not found",
        "No manifest belongs to this flight id: nobody has ever been added to the flight.",
        "Check the flight id. If a passenger was added a moment ago, send the Jetbridge-Position of that answer along.";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed",
        "The address exists, but not for this HTTP method.",
        "Use one of the methods in the Allow header.";
    ContentTooLarge = PAYLOAD_TOO_LARGE, "content-too-large", "Content too large",
        "The request body is larger than this service accepts. Nothing was done.",
        "Send at most the number of bytes that `detail` names.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type",
        "The request body is not declared as JSON.",
        "Send JSON, with the header `Content-Type: application/json`.";
    NotAllBoarded = CONFLICT, "not-all-boarded", "Not everybody has boarded",
        "The flight cannot leave the gate because somebody on its manifest has not boarded, or because nobody is on it.",
        "`missing` is the number of passengers who have not boarded, `passengers` names the first of them. Board or offload them, then disembark again.";
    ManifestSealed = CONFLICT, "manifest-sealed", "Manifest sealed",
        "The flight is leaving: nobody can be added to, boarded on or offloaded from its manifest any more.",
        "Nothing can be changed about this departure. Add the passenger to another flight.";
    ManifestClosed = CONFLICT, "manifest-closed", "Manifest closed",
        "The flight has landed or was deleted, so its manifest cannot change any more.",
        "Use another flight.";
    FlightDeparted = CONFLICT, "flight-departed", "Flight has departed",
        "The flight has left the gate already.",
        "What was asked for is only possible at the gate.";
    FlightNotDeparted = CONFLICT, "flight-not-departed", "Flight has not departed",
        "The flight is still at the gate, so it cannot land.",
        "Disembark the flight first.";
    FlightArrived = CONFLICT, "flight-arrived", "Flight has arrived",
        "The flight has landed already.",
        "What was asked for is not possible after the landing.";
    FlightInTheAir = CONFLICT, "flight-in-the-air", "Flight is in the air",
        "The flight has left the gate and not landed yet, so it cannot be deleted.",
        "Land the flight first.";
    PassengerAlreadyBoarded = CONFLICT, "passenger-already-boarded", "Passenger has boarded already",
        "The passenger is on board already.",
        "Nothing needs to be done, unless another passenger was meant.";
    PassengerOffloaded = CONFLICT, "passenger-offloaded", "Passenger was offloaded",
        "The passenger was taken off the flight.",
        "Add the passenger to the flight again, as long as its manifest is open.";
    AlreadyExists = CONFLICT, "already-exists", "Already exists",
        "There is such a thing already.",
        "Use the one that exists, or choose another id.";
    PreconditionFailed = PRECONDITION_FAILED, "precondition-failed", "Changed in the meantime",
        "It is no longer as it was when the ETag in If-Match was given out. Nothing was done.",
        "Read it again, decide whether the change still makes sense, and send it with the new ETag.";
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Idempotency key reused",
        "The Idempotency-Key was used before, for a different request. Nothing was done.",
        "Use a fresh key for each new command, and the same key only to repeat a request unchanged.";
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "Too many requests",
        "More requests came, from this address or at all, than the service takes at a time. Nothing was done.",
        "Wait for the number of seconds in Retry-After, then send it again.";
    InternalError = INTERNAL_SERVER_ERROR, "internal-error", "Internal error",
        "Something went wrong inside the service that should not. Its operators find the cause in the log.",
        "Try again later. Repeat a command with the same Idempotency-Key.";
    BadGateway = BAD_GATEWAY, "bad-gateway", "Bad gateway",
        "The service behind the gateway broke off its answer or gave one that cannot be read.",
        "Try again.";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Unavailable",
        "Something this request needs is not available at the moment. Nothing was done.",
        "Wait for the number of seconds in Retry-After, then send it again.";
    EventStoreRefused = SERVICE_UNAVAILABLE, "event-store-refused", "Refused by the event store",
        "The event store answers, but refuses what this request needs: a right is missing, a stream was deleted, or its history is another one. Nothing was done.",
        "Trying again helps only once somebody has mended it. `/health/ready` and the log of the service say what is refused.";
    NotYet = SERVICE_UNAVAILABLE, "not-yet", "Not yet",
        "The data has not caught up with the Jetbridge-Position that was asked for.",
        "Wait for the number of seconds in Retry-After, then ask again. Without the header, the answer comes at once, but may be older.";
    OutcomeUnknown = GATEWAY_TIMEOUT, "outcome-unknown", "Outcome unknown",
        "The command was passed on, but no answer came. It may have been carried out or not.",
        "Send it again with the same Idempotency-Key: it is then carried out exactly once. Without a key, read the state first.";
    GatewayTimeout = GATEWAY_TIMEOUT, "gateway-timeout", "Gateway timeout",
        "The service behind the gateway took too long to answer.",
        "Try again.";
}
