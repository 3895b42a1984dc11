//! The types of problems that every service answers with. Those of a domain are in its contract.

shared_kernel::problem_types! {
    MALFORMED_JSON = 400, "malformed-json", "Malformed JSON",
        "The request body is not a JSON document in UTF-8.",
        "Correct the body at the place that `detail` names, and send it again.";
    MALFORMED_HEADER = 400, "malformed-header", "Malformed header",
        "A request header has a value that this service cannot read.",
        "Correct the header that `detail` names. A Jetbridge-Position, an ETag or a cursor has to be sent exactly as it was received.";
    EXPECTATION_FAILED = 417, "expectation-failed", "Expectation failed",
        "The header Expect asks for something that this service does not do. Nothing was done.",
        "Send the request without it, or with `100-continue`.";
    MISDIRECTED_REQUEST = 421, "misdirected-request", "Misdirected request",
        "The service does not answer for the host that the request is for: it has no such name. Nothing was done.",
        "Use an IP address or one of its names. Operators add names with `--public-host`.";
    INVALID_REQUEST = 422, "invalid-request", "Invalid request",
        "The request could be read, but some of its fields or query parameters are missing, unknown or not allowed. Nothing was done.",
        "`errors` lists each fault: `pointer` (or `parameter`) says where it is, `detail` what to change.";
    CROSS_SITE = 403, "cross-site", "Sent by another site",
        "A page of another site has sent this request, and it is of a kind that may change something. Nothing was done.",
        "Send it from a page of this service, from a program, or from a page whose origin the operators allow (`--allowed-origins`).";
    AUTHENTICATION_REQUIRED = 401, "authentication-required", "Authentication required",
        "The request does not say who sends it, or not in a way that is accepted here. Nothing was done.",
        "Send what identifies you in the header Authorization, as WWW-Authenticate asks for it.";
    NOT_ALLOWED = 403, "not-allowed", "Not allowed",
        "Who sends this request may not do what it asks for. Nothing was done.",
        "`requiredRole` is the least of the roles that would do. Operators give roles.";
    NOT_FOUND = 404, "not-found", "Not found",
        "There is nothing at this address.",
        "Check the path against the API description.";
    METHOD_NOT_ALLOWED = 405, "method-not-allowed", "Method not allowed",
        "The address exists, but not for this HTTP method.",
        "Use one of the methods in the Allow header.";
    REQUEST_TIMEOUT = 408, "request-timeout", "Request timeout",
        "The request body did not arrive in the time that this service waits for it. Nothing was done.",
        "Send the whole body at once. If the connection was slow, try again.";
    CONTENT_TOO_LARGE = 413, "content-too-large", "Content too large",
        "The request body is larger than this service accepts. Nothing was done.",
        "Send at most the number of bytes that `detail` names.";
    UNSUPPORTED_MEDIA_TYPE = 415, "unsupported-media-type", "Unsupported media type",
        "The request body is not declared as JSON in UTF-8, or has a Content-Encoding.",
        "Send JSON, with the header `Content-Type: application/json`, and without a Content-Encoding.";
    ALREADY_EXISTS = 409, "already-exists", "Already exists",
        "There is such a thing already, or there was one.",
        "Use the one that exists, or choose another id.";
    REBUILD_RUNNING = 409, "rebuild-running", "Rebuild running",
        "The read model is being rebuilt already. Nothing was done.",
        "Wait until that is done: the list of rebuilds says how far it has come.";
    PRECONDITION_FAILED = 412, "precondition-failed", "Changed in the meantime",
        "It is not as the ETag in If-Match says, or no longer, or it is what If-None-Match rules out. Nothing was done.",
        "Read it again, decide whether the change still makes sense, and send it with the new ETag.";
    IDEMPOTENCY_KEY_REUSED = 422, "idempotency-key-reused", "Idempotency key reused",
        "The Idempotency-Key was used before, for a different request. Nothing was done.",
        "Use a fresh key for each new command, and the same key only to repeat a request with the same content.";
    TOO_MANY_REQUESTS = 429, "too-many-requests", "Too many requests",
        "More requests came, of one client or at all, than the service takes; or more live feeds than it keeps open for one client; or too much that identifies nobody. Nothing was done.",
        "Wait for the number of seconds in Retry-After, then send it again.";
    INTERNAL_ERROR = 500, "internal-error", "Internal error",
        "Something went wrong inside the service that should not. Its operators find the cause in the log.",
        "Try again later. Repeat a command with the same Idempotency-Key.";
    BAD_GATEWAY = 502, "bad-gateway", "Bad gateway",
        "The service behind the gateway broke off its answer or gave one that cannot be read.",
        "Try again.";
    UNAVAILABLE = 503, "unavailable", "Unavailable",
        "Something this request needs is not available at the moment. Nothing was done.",
        "Wait for the number of seconds in Retry-After, then send it again.";
    EVENT_STORE_REFUSED = 503, "event-store-refused", "Refused by the event store",
        "The event store answers, but refuses what this request needs: a right is missing, a stream was deleted, or its history is another one. Nothing was done.",
        "Trying again helps only once somebody has mended it. `/health/ready` and the log of the service say what is refused.";
    NOT_YET = 503, "not-yet", "Not yet",
        "The data has not caught up with the Jetbridge-Position that was asked for.",
        "Wait for the number of seconds in Retry-After, then ask again. Without the header, the answer comes at once, but may be older.";
    PARKED = 503, "parked", "Parked",
        "An event about what was asked for, which the Jetbridge-Position covers, could not be processed and is parked. The data is as it was before it.",
        "`eventNumber` and `stream` name the event, and operators find it among the parked events. Without the header, the answer comes at once, and is older.";
    READ_MODEL_OF_ANOTHER_HISTORY = 503, "read-model-of-another-history", "Read model of another history",
        "The event store holds another history than the one that was shown before, as after a backup was restored. What is shown is made anew from it.",
        "Wait for the number of seconds in Retry-After, then ask again, and let go of every id, ETag, Jetbridge-Position and cursor from before: they are of the other history.";
    OUTCOME_UNKNOWN = 504, "outcome-unknown", "Outcome unknown",
        "The command was passed on, but no answer came. It may have been carried out or not.",
        "Send it again with the same Idempotency-Key: it is then carried out exactly once. Without a key, read the state first.";
    GATEWAY_TIMEOUT = 504, "gateway-timeout", "Gateway timeout",
        "The service behind the gateway took too long to answer.",
        "Try again.";
}
