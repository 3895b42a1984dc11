"""What schemathesis makes for the formats that the document of the API names, and it does not know or not so well."""

import datetime
import uuid

import schemathesis
from hypothesis import strategies as st

# What free text may be is said in documentation/api.md; this is a part of it.
LETTERS = st.characters(categories=("Lu", "Ll", "Lo", "Nd"), max_codepoint=0x024F)
IDS = st.uuids().map(str)
FIRST, LAST = datetime.datetime(1970, 1, 2), datetime.datetime(2199, 12, 30)

schemathesis.openapi.format("free-text", st.text(LETTERS, min_size=1, max_size=10))
# A header is sent as Latin-1.
schemathesis.openapi.format("actor", st.text("abcXYZ 019", min_size=1, max_size=10).map(lambda name: f"a{name}z"))
schemathesis.openapi.format("idempotency-key", IDS)
schemathesis.openapi.format("correlation-id", IDS)
schemathesis.openapi.format("date-time", st.datetimes(FIRST, LAST).map(lambda time: time.isoformat() + "Z"))
schemathesis.openapi.format("etags", st.sampled_from(["*", '"0"', '"0", "1"']))
schemathesis.openapi.format("position", st.sampled_from(["f0", "p0", "f0.p0", "f0, p0"]))
schemathesis.openapi.format("read-model", st.sampled_from(["flights", "passengers"]))
schemathesis.openapi.format("log-filter", st.sampled_from(["info", "warn,hyper=debug"]))
# Only the API makes cursors: links lead to them.
schemathesis.openapi.format("cursor", st.nothing())


USED = set()


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """A key is of one request: schemathesis sends it with several."""
    key = (case.headers or {}).get("Idempotency-Key")
    if key in USED:
        case.headers["Idempotency-Key"] = key = str(uuid.uuid4())
    if key is not None:
        USED.add(key)


@schemathesis.hook
def filter_query(_context, query):
    """A span that ends before it begins is refused, which a schema cannot say."""
    return not query or not {"from", "to"} <= query.keys()
