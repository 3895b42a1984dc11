#!/usr/bin/env python3
"""Attacks a running Jetbridge as a web page, a neighbour on the machine or a broken client could, and checks that each
attack is refused as the standards say, that nothing has changed, and that everybody else is still served.

Starts `jetbridge` on a data folder of its own, and then another one that asks for access keys. Attacks are sent through
raw sockets, as HTTP/2 frames, and by pages in Chromium. Needs Python's h2, Chromium and PostgreSQL's programs. Exit
code 0 if all is refused.
"""

import argparse
import base64
import contextlib
import http.client
import http.server
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import uuid
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from support import NotInTime, eventually

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 60
ANSWER_LIMIT = 20
# Longer than a connection may stay without a request.
SILENCE_LIMIT = 60
# As on many machines; the program may raise the soft limit to the hard one.
OPEN_FILES = (1024, 4096)
# More connections than that, which say nothing; and files that this script needs besides.
SILENT, OWN_FILES = 10_000, 200
EVENT_STORE = "/event_store.client.streams.Streams"
FOREIGN = "http://evil.example"
JSON = "Content-Type: application/json"
FLIGHT = {"flightNumber": "JB 101", "origin": "AMS", "destination": "JFK"}
REFUSED = "refused"


class Wrong(Exception):
    """An attack had an effect, or was not refused as it should be."""


class System:
    """A Jetbridge in one process; once prepared, with a flight at the gate and everybody on board. With authentication,
    there are access keys for one who works with it and for one who attacks it."""

    def __init__(self, program, folder, authentication="none"):
        folder.mkdir()
        # PostgreSQL may run as another user.
        folder.chmod(0o755)
        self.program, self.authentication, self.keys = program, authentication, {}
        self.data, self.log = folder / "data", (folder / "log").open("w")
        self.process = subprocess.Popen(
            [program, "--listen", "127.0.0.1:0", "--data-dir", self.data, "--authentication", authentication],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, OPEN_FILES),
        )

    def prepare(self):
        eventually("Jetbridge starts", START_LIMIT, (self.data / "running").exists)
        running = json.loads((self.data / "running").read_text())
        self.port = urllib.parse.urlsplit(running["url"]).port
        self.event_store = urllib.parse.urlsplit(running["eventStore"])
        eventually("Jetbridge is ready", START_LIMIT, lambda: self.status("GET", "/health/ready") == 200)
        if self.authentication == "keys":
            self.keys = {name: self.make_key(name) for name in ("works", "attacks")}
            eventually("its keys count", START_LIMIT, lambda: self.status("GET", "/api/flights") == 200)
        self.flight = self.call("POST", "/api/flights", FLIGHT, 201)["id"]
        passenger = {"flightId": self.flight, "name": "Ada Lovelace"}
        self.passenger = self.call("POST", "/api/passengers", passenger, 201)["id"]
        self.call("POST", f"/api/passengers/{self.passenger}/board", None, 200)

    def make_key(self, name):
        made = subprocess.run(
            [self.program, "keys", "create", "--name", name, "--role", "admin", "--data-dir", self.data],
            check=True, capture_output=True, text=True)
        return re.search(r"jbk_[\w-]+", made.stdout)[0]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_LIMIT)
        try:
            headers = {} if body is None else {"Content-Type": "application/json"}
            if self.keys:
                headers["Authorization"] = f"Bearer {self.keys['works']}"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self, method, path, body=None):
        try:
            return self.request(method, path, body)[0]
        except OSError:
            return None

    def call(self, method, path, body, expected):
        status, answer = self.request(method, path, body)
        if status != expected:
            raise Wrong(f"{method} {path} was answered {status}: {answer[:300]!r}")
        return json.loads(answer)

    def events(self):
        found, after = [], ""
        while True:
            page = self.call("GET", f"/api/auditlog/all?limit=1000{after}", None, 200)
            if not page["items"]:
                return found
            found += [(entry["stream"], entry["eventNumber"], entry["eventType"]) for entry in page["items"]]
            after = "&after=" + urllib.parse.quote(page["next"])

    def inner_ports(self):
        """The ports that the process listens on besides that of the gateway and that of the event store."""
        links = [os.readlink(link) for link in Path(f"/proc/{self.process.pid}/fd").iterdir() if link.is_symlink()]
        sockets = {match[1] for match in map(re.compile(r"socket:\[(\d+)\]").fullmatch, links) if match}
        listening = []
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                listening.append(int(fields[1].split(":")[1], 16))
        return [port for port in listening if port not in (self.port, self.event_store.port)]


def answers(port, data, limit=ANSWER_LIMIT, half_close=False):
    """The status and text of the answer to these bytes; status None if the connection is closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=limit) as connection:
        received = b""
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
                head, separator, body = received.partition(b"\r\n\r\n")
                length = re.search(rb"(?im)^content-length: *(\d+)", head)
                if separator and length and len(body) >= int(length[1]):
                    break
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError as error:
            raise Wrong(f"no answer within {limit} s, only {received[:200]!r}") from error
    status = re.match(rb"HTTP/1\.[01] (\d{3})", received)
    return int(status[1]) if status else None, received.decode(errors="replace")


def raw(line, *headers, host=None, body=b""):
    """A request as it is sent. Without `host`, none is added."""
    lines = [line, *([f"Host: {host}"] if host else []), *headers]
    if body or not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def http_attacks(system):
    """Each is a name, a port, a request, and the statuses that refuse it."""
    own, flight = f"127.0.0.1:{system.port}", system.flight
    depart, remove = f"POST /api/flights/{flight}/disembark HTTP/1.1", f"DELETE /api/flights/{flight} HTTP/1.1"
    read = f"GET /api/flights/{flight} HTTP/1.1"
    details = b'{"flightNumber":"EV 666","origin":"AMS","destination":"JFK"}'
    port = system.port
    yield "no Host", port, raw(read), {400}
    yield "two Hosts", port, raw(read, f"Host: {own}", f"Host: {own}"), {400}
    for bad in ["a b", "user@127.0.0.1", "127.0.0.1/api", "[::1", "127.0.0.1:99999999", "exa\\mple", ",", "%31"]:
        yield f"Host {bad!r}", port, raw(read, host=bad), {400, 421}
    for name in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.example", "evil.localhost.", "LOCALHOST.evil"]:
        yield f"rebound to {name}", port, raw(read, host=f"{name}:{system.port}"), {421}
        yield f"departs through {name}", port, raw(depart, host=f"{name}:{system.port}"), {421}
    yield "absolute target elsewhere", port, raw("GET http://evil.example/api/flights HTTP/1.1", host=own), {400, 421}
    yield "forwarded host is no host", port, raw(depart, "X-Forwarded-Host: 127.0.0.1", host="evil.example"), {421}
    foreign = [f"Origin: {FOREIGN}", "Origin: null", f"Origin: http://127.0.0.1:{system.port + 1}", "Origin: x",
               "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", f"Origin: https://{own}"]
    for header in foreign:
        yield f"departs with {header}", port, raw(depart, header, host=own), {403}
        yield f"deletes with {header}", port, raw(remove, header, host=own), {403}
        text = raw("POST /api/flights HTTP/1.1", header, "Content-Type: text/plain", host=own, body=details)
        yield f"creates as text with {header}", port, text, {403, 415}
    for method in ["PUT", "PATCH", "MERGE"]:
        request = raw(f"{method} /api/flights/{flight} HTTP/1.1", f"Origin: {FOREIGN}", JSON, host=own, body=details)
        yield f"{method} with a foreign Origin", port, request, {403, 405}
    yield "discards with a foreign Origin", port, raw(
        f"POST /api/admin/parked/{uuid.uuid4()}/discard HTTP/1.1", f"Origin: {FOREIGN}", JSON, host=own,
        body=b'{"reason":"x"}'), {403}
    yield "foreign preflight", port, raw(
        f"OPTIONS /api/flights/{flight} HTTP/1.1", f"Origin: {FOREIGN}", "Access-Control-Request-Method: DELETE",
        host=own), {200, 204, 400, 403, 405}
    yield "body of 65 KiB", port, raw("POST /api/flights HTTP/1.1", JSON, host=own, body=b" " * 66_560), {413}
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    yield "chunks of 128 KiB", port, raw(
        "POST /api/flights HTTP/1.1", JSON, "Transfer-Encoding: chunked", host=own) .replace(
        b"Content-Length: 0\r\n", b"") + 2 * chunk + b"0\r\n\r\n", {413}
    yield "length and chunks", port, (
        f"POST /api/flights HTTP/1.1\r\nHost: {own}\r\n{JSON}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
        f"Connection: close\r\n\r\n0\r\n\r\n").encode(), {400, 422}
    yield "two lengths", port, raw(
        "POST /api/flights HTTP/1.1", JSON, "Content-Length: 2", "Content-Length: 3", host=own), {400}
    yield "encoded body", port, raw(
        "POST /api/flights HTTP/1.1", JSON, "Content-Encoding: gzip", host=own, body=details), {415}
    for name, headers in {
        "two actors": ["Jetbridge-Actor: Ann", "Jetbridge-Actor: Bob"],
        "an actor of 101 characters": ["Jetbridge-Actor: " + "a" * 101],
        "a service as actor": ["Jetbridge-Actor: passenger-processor"],
        "two correlation ids": ["X-Correlation-Id: a", "X-Correlation-Id: b"],
        "a correlation id of 10,000 characters": ["X-Correlation-Id: " + "a" * 10_000],
        "two keys": ["Idempotency-Key: a", "Idempotency-Key: b"],
        "a list of versions that is none": ['If-Match: "1", x'],
    }.items():
        yield name, port, raw(depart, *headers, host=own), {400}
    yield "a head of 100 KiB", port, raw(read, "X-Large: " + "a" * 100_000, host=own), {400, 431, None}
    for path in ["/api/flights/..%2f..%2fhealth/ready", "/api/%2e%2e/rpc", "/rpc", "/parked", "/reactions/resume",
                 "/api/flights%00", "/api/flights/%ff", "//evil.example/api", "/assets/../../../etc/passwd",
                 "/assets/%2e%2e/%2e%2e/etc/passwd"]:
        yield f"path {path}", port, raw(f"GET {path} HTTP/1.1", host=own), {400, 404}
    for name in ["\\u200b", "\\u202eretsuM aiM", "a\\u2066b", "\\ue000", "a\\u0000", "\\ufeff", "\\u00ad", "\\u3164"]:
        body = f'{{"flightId":"{flight}","name":"{name}"}}'.encode()
        yield f"a name that is {name}", port, raw("POST /api/passengers HTTP/1.1", JSON, host=own, body=body), {422}
    yield "HTTP/0.9", port, b"GET /api/flights\r\n\r\n", {400, None}
    yield "HTTP/3.0", port, raw("GET /api/flights HTTP/3.0", host=own), {400, 505, None}
    yield "TLS", port, bytes.fromhex("16030100a5010000a10303") + bytes(160), {400, None}
    for inner in system.inner_ports():
        call = b'{"jsonrpc":"2.0","id":1,"method":"manifest.close","params":{}}'
        here = f"127.0.0.1:{inner}"
        yield f"foreign call of inner port {inner}", inner, raw(
            "POST /rpc HTTP/1.1", f"Origin: {FOREIGN}", "Content-Type: text/plain", host=here, body=call), {403}
        yield f"rebound call of inner port {inner}", inner, raw(
            "POST /rpc HTTP/1.1", JSON, host="evil.example", body=call), {421}
        yield f"cross-site resume at inner port {inner}", inner, raw(
            "POST /reactions/resume HTTP/1.1", "Sec-Fetch-Site: cross-site", host=here), {403}
        for line in ["POST /rpc", "GET /api/flights", f"DELETE /api/flights/{flight}", "GET /api/auditlog/all", "GET /parked",
                     "POST /parked/replay", "POST /reactions/resume", "GET /nothing"]:
            for token in [[], ["Authorization: Bearer " + "0" * 64], ["Authorization: Basic YWRtaW46"]]:
                yield f"{line} of inner port {inner} with {token}", inner, raw(
                    f"{line} HTTP/1.1", JSON, "Jetbridge-Roles: admin", *token, host=here, body=call), {401}
    store = system.event_store.port
    for kind in ["text/plain", "application/grpc", "application/grpc-web", "application/json"]:
        for call in ["Append", "Tombstone", "Delete", "Read", "BatchAppend"]:
            request = raw(f"POST {EVENT_STORE}/{call} HTTP/1.1", f"Origin: {FOREIGN}", f"Content-Type: {kind}",
                          host=f"127.0.0.1:{store}", body=frame(delete_request()))
            yield f"{call} of the event store as {kind} over HTTP/1.1", store, request, REFUSED
    yield "HTTP/1.1 that becomes HTTP/2", store, raw(
        f"POST {EVENT_STORE}/Tombstone HTTP/1.1", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__",
        "Connection: Upgrade, HTTP2-Settings", host=f"127.0.0.1:{store}"), REFUSED


def delete_request(stream=b"flight-stream"):
    """A DeleteReq or TombstoneReq: these options have any version of the stream as expected revision."""
    identifier = b"\x1a" + bytes([len(stream)]) + stream
    options = b"\x0a" + bytes([len(identifier)]) + identifier + b"\x22\x00"
    return b"\x0a" + bytes([len(options)]) + options


def frame(message):
    return b"\x00" + len(message).to_bytes(4, "big") + message


def grpc_call(port, call, message, headers):
    """How a call ends: its HTTP status and gRPC status; None if the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_LIMIT) as connection:
        client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        client.initiate_connection()
        pseudo = {":method": "POST", ":scheme": "http", ":path": f"{EVENT_STORE}/{call}",
                  ":authority": f"127.0.0.1:{port}", "content-type": "application/grpc", "te": "trailers"}
        client.send_headers(1, list((pseudo | headers).items()))
        client.send_data(1, frame(message), end_stream=True)
        found = {}
        try:
            connection.sendall(client.data_to_send())
            while data := connection.recv(65536):
                for event in client.receive_data(data):
                    if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                        found |= dict(event.headers)
                    if isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                        return found.get(":status"), found.get("grpc-status")
                connection.sendall(client.data_to_send())
        except (ConnectionResetError, BrokenPipeError, h2.exceptions.ProtocolError):
            pass
    return None


def password_of(system):
    user = f"{system.event_store.username}:{system.event_store.password}"
    return {"authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}


def grpc_attacks(system):
    """Each is a name, a method, and headers of a call that would delete the flights."""
    port = system.event_store.port
    right = password_of(system)
    wrong = base64.b64encode(b"admin:changeit").decode()
    for call in ["Tombstone", "Delete"]:
        yield f"{call} without a password", call, {}
        yield f"{call} with the usual password", call, {"authorization": f"Basic {wrong}"}
        yield f"{call} from a page", call, right | {"origin": FOREIGN}
        yield f"{call} from a page without an origin", call, right | {"sec-fetch-site": "cross-site"}
        yield f"{call} at a name that was rebound", call, right | {":authority": f"evil.example:{port}"}
        yield f"{call} as text", call, right | {"content-type": "text/plain"}
        yield f"{call} as gRPC for browsers", call, right | {"content-type": "application/grpc-web+proto"}
    yield "Read without a password", "Read", {}
    yield "Append without a password", "Append", {}


def refuse(system, name, port, request, expected):
    status, text = answers(port, request)
    refused = (status is None or status >= 400) if expected == REFUSED else status in expected
    if not refused:
        raise Wrong(f"answered {status}: {text[:300]!r}")
    if "access-control-allow-origin" in text.lower():
        raise Wrong("a foreign page may read the answer")


def refuse_grpc(system, name, call, headers):
    ended = grpc_call(system.event_store.port, call, delete_request(), headers)
    if ended is not None and ended[0] == "200" and ended[1] in (None, "0"):
        raise Wrong(f"answered {ended}")


def let_in(system):
    """The calls above are refused for what they come with: one like them deletes a stream that nobody needs."""
    headers = password_of(system)
    ended = grpc_call(system.event_store.port, "Tombstone", delete_request(b"nobodys-stream"), headers)
    if ended is None or ended[0] != "200" or ended[1] not in (None, "0"):
        raise Wrong(f"a call with the password is answered {ended}")


def silent_connections(system):
    """More connections than the process may have open files, which say nothing, or never all of it. Others are served
    meanwhile."""
    count = min(SILENT, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OWN_FILES)
    if count < SILENT:
        print(f"only {count} silent connections: this process may have no more files open", flush=True)
    beginnings = [b"", b"GET /", b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST /api/flights HTTP/1.1\r\nHost: "]
    opened = []
    try:
        for number in range(count):
            with contextlib.suppress(OSError):
                port = [system.port, system.event_store.port][number % 2]
                connection = socket.create_connection(("127.0.0.1", port), timeout=1)
                connection.sendall(beginnings[number % len(beginnings)])
                opened.append(connection)
            if number % 1000 == 999:
                what = f"others are served beside {number + 1} silent connections"
                eventually(what, SILENCE_LIMIT, lambda: works(system))
        eventually("others are served beside silent connections", SILENCE_LIMIT, lambda: works(system))
        eventually("silent connections are closed", SILENCE_LIMIT, lambda: all(map(is_closed, opened)))
    finally:
        for connection in opened:
            connection.close()


def is_closed(connection):
    """Whether the other side has closed it. What it says before that does not count."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def works(system):
    """Whether somebody who does their work gets it done: reads, and a correction that changes nothing."""
    path = f"/api/flights/{system.flight}"
    return system.status("GET", path) == 200 and system.status("PUT", path, FLIGHT) == 200


def half_bodies(system):
    """Clients that never send all of a body hold no place that others need, whether they have a key or not."""
    senders = [["Authorization: Bearer " + system.keys["attacks"]], []] if system.keys else [[]]
    with contextlib.ExitStack() as opened:
        for number in range(200):
            head = [f"Host: 127.0.0.1:{system.port}", JSON, "Content-Length: 60000", *senders[number % len(senders)]]
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", system.port), timeout=5))
            connection.sendall("\r\n".join(["POST /api/flights HTTP/1.1", *head, "", "{"]).encode())
        for _ in range(20):
            if not works(system):
                raise Wrong("half bodies: another client is not served")


def half_closed(system):
    """A client that has said all it has to say is answered."""
    request = f"GET /api/flights/{system.flight} HTTP/1.1\r\nHost: 127.0.0.1:{system.port}\r\n\r\n".encode()
    status, _ = answers(system.port, request, half_close=True)
    if status != 200:
        raise Wrong(f"a half-closed connection is answered {status}")


PAGE = """<!doctype html><title>foreign</title><iframe name=frame></iframe><body><script type=module>
const targets = TARGETS;
const attempts = targets.flatMap(({ url, body }) => ["text/plain", "application/json", "application/grpc"].flatMap(
  (type) => ["no-cors", "cors"].flatMap((mode) => ["POST", "PUT", "DELETE"].map((method) => async () => {
    const answer = await fetch(url, { method, mode, body, headers: { "content-type": type } });
    if (answer.type !== "opaque") throw new Error(`readable: ${method} ${url}`);
  }))));
const readable = [];
for (const attempt of attempts) {
  try { await attempt(); } catch (error) { if (error.message.startsWith("readable")) readable.push(error.message); }
}
for (const { url, body } of targets) {
  navigator.sendBeacon(url, new Blob([body], { type: "text/plain" }));
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: url, target: "frame", enctype: "text/plain" });
  form.append(Object.assign(document.createElement("input"), { name: body, value: "" }));
  document.body.append(form);
  form.submit();
  try {
    const answer = await fetch(url.replace(/\\/(disembark|board)$/, ""));
    readable.push(`readable: GET ${url} ${answer.status}`);
  } catch { /* as it should be */ }
}
await new Promise((resolve) => setTimeout(resolve, 500));
await fetch("/done", { method: "POST", body: JSON.stringify({ attempts: attempts.length, readable }) });
</script>"""


def foreign_pages(system):
    """A page of another origin, on this machine and under a foreign name, writes and reads whatever it can reach."""
    done = threading.Event()
    reports = []
    flight = json.dumps({"flightNumber": "EV 666", "origin": "AMS", "destination": "JFK"})
    ports = [system.port, *system.inner_ports()]
    targets = [{"url": f"http://{host}:{port}{path}", "body": body}
               for host in ["127.0.0.1", "localhost", "evil.example"] for port in ports
               for path, body in [("/api/flights", flight), (f"/api/flights/{system.flight}/disembark", "{}"),
                                  (f"/api/flights/{system.flight}", flight), ("/parked/replay", "{}"),
                                  ("/rpc", '{"jsonrpc":"2.0","id":1,"method":"manifest.seal"}')]]
    targets += [{"url": f"http://{host}:{system.event_store.port}{EVENT_STORE}/{call}",
                 "body": frame(delete_request()).decode("latin1")}
                for host in ["127.0.0.1", "evil.example"] for call in ["Append", "Tombstone", "Delete"]]

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(PAGE.replace("TARGETS", json.dumps(targets)).encode())

        def do_POST(self):
            reports.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(b"")
            done.set()

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    browser = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    if not browser:
        raise Wrong("Chromium is not installed")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for host in ["127.0.0.1", "evil.example"]:
            done.clear()
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
                page = subprocess.Popen(
                    [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                     "--host-resolver-rules=MAP evil.example 127.0.0.1", "--remote-debugging-port=0",
                     f"http://{host}:{server.server_port}/"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    if not done.wait(120):
                        raise Wrong(f"the page at {host} did not come to its end")
                finally:
                    page.kill()
                    page.wait()
    finally:
        server.shutdown()
        server.server_close()
    for report in reports:
        if report["readable"]:
            raise Wrong(f"a foreign page could read {report['readable'][:3]}")
    return sum(report["attempts"] for report in reports)


def all_attacks(system):
    single = [(refuse, *attack) for attack in http_attacks(system)]
    single += [(refuse_grpc, *attack) for attack in grpc_attacks(system)]
    return [*single, (let_in,), (half_bodies,), (half_closed,), (foreign_pages,), (silent_connections,)]


def attack(system, attacks):
    """Runs attacks. Answers how many there were, and what went wrong."""
    before, wrong, count = system.events(), [], 0
    for function, *arguments in attacks:
        count += 1
        name = arguments[0] if arguments else function.__name__
        try:
            count += function(system, *arguments) or 0
            after = system.events()
            if after != before:
                before, changes = after, after[len(before):]
                raise Wrong(f"has changed something: {changes}")
        except (Wrong, NotInTime, OSError) as error:
            wrong.append(name)
            print(f"wrong: {name}: {error}", flush=True)
    eventually("all is well afterwards", SILENCE_LIMIT, lambda: system.status("GET", "/health/ready") == 200)
    system.call("POST", f"/api/flights/{system.flight}/disembark", None, 200)
    return count, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=ROOT / "target/debug/jetbridge", help="the program jetbridge")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = Path(tempfile.mkdtemp(prefix="jetbridge-attacks-"))
    folder.chmod(0o755)
    count, wrong = 0, []
    for authentication, attacks in [
        ("none", all_attacks),
        # Who is somebody is served while others hold what there is.
        ("keys", lambda _: [(half_bodies,), (silent_connections,)]),
    ]:
        system = System(options.program, folder / authentication, authentication)
        try:
            system.prepare()
            done, failed = attack(system, attacks(system))
            count, wrong = count + done, wrong + failed
        finally:
            system.stop()
    if wrong:
        print(f"log and data are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{count} attacks, {len(wrong)} of them not refused as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
