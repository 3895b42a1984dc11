#!/usr/bin/env python3
"""Runs two replicas of everything, breaks them, and checks that nothing was lost, doubled or left unfinished.

Two flight APIs, two passenger APIs, two processors of each domain, one audit log API, one embedded event store and one
PostgreSQL. Each process reaches what it needs through a proxy of its own. Meanwhile clients send commands, a part of
them to both replicas at once with one key, and repeat them with the same key until the answer is certain. Processes are
killed and frozen, connections are cut and held, the event store and PostgreSQL among them. At the end everything runs
again, and it is checked that

- each acknowledged command is in the streams exactly once, and each other one at most once;
- `jetbridge verify` finds nothing.

Needs Cargo and PostgreSQL's programs; as root also setpriv and the user postgres. Exit code 0 if all holds.
"""

import argparse
import asyncio
import collections
import functools
import http.client
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

from support import eventually, free_port

ROOT = Path(__file__).resolve().parent.parent
# By what the services know each other.
SERVICE_TOKEN = secrets.token_hex(32)
PROGRAMS = ["flight-api", "passenger-api", "auditlog-api", "flight-processor", "passenger-processor"]
BOTH_AT_ONCE = 0.3
START_LIMIT = 60
SETTLE_LIMIT = 60
ANSWER_LIMIT = 20
# Longer than any outage here: a command that is not answered by then is given up, and counts as unknown.
COMMAND_LIMIT = 90
UNCERTAIN = {429, 500, 502, 503, 504}


class Network:
    """Proxies, all on one thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def proxy(self, ports):
        proxy = Proxy(ports)
        asyncio.run_coroutine_threadsafe(proxy.start(), self.loop).result(START_LIMIT)
        return proxy

    def call(self, function):
        self.loop.call_soon_threadsafe(function)


class Proxy:
    """Forwards connections to the next of several ports at which somebody listens."""

    def __init__(self, ports):
        self.ports, self.next = ports, 0
        self.is_cut, self.open = False, set()
        self.passes = None

    async def start(self):
        self.passes = asyncio.Event()
        self.passes.set()
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.server, self.port = server, server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        writers = [writer]
        self.open.add(writer)
        try:
            for _ in self.ports if not self.is_cut else []:
                self.next = (self.next + 1) % len(self.ports)
                try:
                    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.ports[self.next])
                except OSError:
                    continue
                writers.append(up_writer)
                self.open.add(up_writer)
                # However a connection ends, its two sides end together.
                both = [asyncio.ensure_future(self.pump(*ends)) for ends in ((reader, up_writer), (up_reader, writer))]
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for pump in both:
                    pump.cancel()
                break
        finally:
            for each in writers:
                self.open.discard(each)
                each.transport.abort()

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self.passes.wait()
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass

    def cut(self):
        self.is_cut = True
        for writer in list(self.open):
            writer.transport.abort()

    def mend(self):
        self.is_cut = False
        self.passes.set()

    def hold(self):
        self.passes.clear()


class Program:
    """A process that is started again on the same port after it was killed."""

    def __init__(self, name, arguments, port, log):
        self.name, self.arguments, self.port, self.log = name, arguments, port, log
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(argument) for argument in self.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def is_ready(self):
        try:
            return request(self.port, "GET", "/health/ready", limit=2)[0] == 200
        except OSError:
            return False

    def signal(self, number):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Postgres:
    """A server of its own. PostgreSQL refuses to run as root."""

    def __init__(self, folder):
        self.programs, self.data, self.port = self.find(), folder / "postgres", free_port()
        self.prefix = []
        self.data.mkdir()
        if os.getuid() == 0:
            self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self.data, "postgres", "postgres")
        self.options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.data}"

    @staticmethod
    def find():
        """The newest of Debian's, else what is on the path."""
        found = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=shutil.which("initdb"))
        if not found:
            raise SystemExit("PostgreSQL's programs are not installed")
        return Path(found).resolve().parent

    def start(self):
        self.run("initdb", "--username=jetbridge", "--auth=trust", "--no-sync", "--pgdata", self.data)
        self.control("start")
        for domain in ("flight", "passenger"):
            self.run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "jetbridge", domain)

    def run(self, program, *arguments):
        command = [*self.prefix, self.programs / program, *arguments]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        done = subprocess.run([str(part) for part in command], cwd="/", timeout=START_LIMIT, check=False, **quiet)
        if done.returncode != 0:
            raise SystemExit(f"{program}: {done.stderr.decode(errors='replace')}")

    def control(self, action):
        log = self.data / "log"
        if action == "start":
            self.run("pg_ctl", "start", "-w", "-D", self.data, "-l", log, "-o", self.options)
        else:
            self.run("pg_ctl", "stop", "-m", "immediate", "-D", self.data)


def request(port, method, path, body=None, key=None, limit=ANSWER_LIMIT):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit)
    try:
        # As the gateway asks for somebody who may do everything.
        headers = {"Authorization": f"Bearer {SERVICE_TOKEN}", "Jetbridge-Roles": "admin"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


class System:
    def __init__(self, folder, programs):
        self.folder, self.network, self.postgres = folder, Network(), Postgres(folder)
        self.proxies, self.programs = {}, {}
        (folder / "logs").mkdir()
        token = folder / "service-token"
        token.write_text(SERVICE_TOKEN)
        store = free_port()
        self.add("event-store", programs / "jetbridge-eventstore", store, ["--data-dir", folder / "events"])
        self.event_store = f"esdb://127.0.0.1:{store}?tls=false"
        ports = {f"{kind}-{n}": free_port() for kind in PROGRAMS for n in (1, 2)}
        for name, port in ports.items():
            kind = name.rpartition("-")[0]
            if name == "auditlog-api-2":
                continue
            behind = self.proxy(f"{name} to event store", [store])
            arguments = ["--event-store", f"esdb://127.0.0.1:{behind}?tls=false", "--service-token-file", token]
            if kind != "auditlog-api":
                domain = kind.partition("-")[0]
                other = "passenger" if domain == "flight" else "flight"
                database = self.proxy(f"{name} to PostgreSQL", [self.postgres.port])
                peers = self.proxy(f"{name} to {other}-api", [ports[f"{other}-api-{n}"] for n in (1, 2)])
                arguments += ["--database-url", self.database(domain, database)]
                arguments += [f"--{other}-api", f"http://127.0.0.1:{peers}"]
            self.add(name, programs / kind, port, arguments)
        self.flight_apis = [ports["flight-api-1"], ports["flight-api-2"]]
        self.passenger_apis = [ports["passenger-api-1"], ports["passenger-api-2"]]
        self.audit_log = ports["auditlog-api-1"]

    def add(self, name, program, port, arguments):
        command = [program, "--listen", f"127.0.0.1:{port}", *arguments]
        self.programs[name] = Program(name, command, port, self.folder / "logs" / name)

    def proxy(self, name, ports):
        self.proxies[name] = self.network.proxy(ports)
        return self.proxies[name].port

    def database(self, domain, port):
        return f"postgres://jetbridge@127.0.0.1:{port}/{domain}"

    def start(self):
        self.postgres.start()
        for program in self.programs.values():
            program.start()
        self.wait_until_ready()

    def wait_until_ready(self):
        services = [program for name, program in self.programs.items() if name != "event-store"]
        eventually("everything is ready", START_LIMIT, lambda: all(program.is_ready() for program in services))

    def stop(self):
        for program in self.programs.values():
            program.signal(signal.SIGCONT)
            program.kill()
        if (self.postgres.data / "postmaster.pid").exists():
            self.postgres.control("stop")


class Breaker(threading.Thread):
    """Breaks one thing after the other, and mends each after a while."""

    def __init__(self, breaks, seed, stop):
        super().__init__(daemon=True)
        self.breaks, self.random, self.stopped = breaks, random.Random(seed), stop
        self.counts, self.error = collections.Counter(), None

    def run(self):
        try:
            while not self.stopped.wait(self.random.uniform(0.1, 1)):
                self.counts[self.breaks(self.random)] += 1
        except BaseException as error:  # whoever waits for it says so
            self.error = error


def break_process(system, chance):
    kind, pause = chance.choices(["kill", "freeze", "restart PostgreSQL"], [6, 3, 1])[0], chance.uniform(0.1, 3)
    program = chance.choice(list(system.programs.values()))
    if kind == "kill":
        program.kill()
        time.sleep(pause)
        program.start()
    elif kind == "freeze":
        program.signal(signal.SIGSTOP)
        time.sleep(2 * pause)
        program.signal(signal.SIGCONT)
    else:
        system.postgres.control("stop")
        time.sleep(pause)
        system.postgres.control("start")
    return kind


def break_connections(system, chance):
    kind, pause = chance.choice(["cut", "hold"]), chance.uniform(0.05, 3)
    proxy = chance.choice(list(system.proxies.values()))
    system.network.call(proxy.cut if kind == "cut" else proxy.hold)
    time.sleep(pause)
    system.network.call(proxy.mend)
    return kind


class Ledger:
    """What was asked for, and what was answered. A command is known by what its event says."""

    def __init__(self):
        self.lock, self.outcomes, self.counts = threading.Lock(), {}, collections.Counter()
        self.different = []

    def note(self, event, outcome):
        with self.lock:
            self.outcomes[event] = outcome
            self.counts[outcome] += 1


class Client(threading.Thread):
    """Takes flights from the gate to their end, one after the other."""

    def __init__(self, system, ledger, seed, stop):
        super().__init__(daemon=True)
        self.system, self.ledger, self.random, self.stopped = system, ledger, random.Random(seed), stop
        self.error = None

    def run(self):
        try:
            while not self.stopped.is_set():
                self.fly()
        except BaseException as error:
            self.error = error

    def command(self, apis, method, path, body=None, event=None):
        """The status of a certain answer and its body, or None if there was none in time."""
        key, deadline = str(uuid.uuid4()), time.monotonic() + COMMAND_LIMIT
        both = self.random.random() < BOTH_AT_ONCE
        while time.monotonic() < deadline:
            self.ledger.counts["requests"] += 1
            if both:
                self.ledger.counts["sent to both replicas"] += 1
                answers = self.at_both(apis, method, path, body, key)
            else:
                answers = [self.ask(self.random.choice(apis), method, path, body, key)]
            certain = [answer for answer in answers if answer is not None]
            if len(certain) == 2 and certain[0] != certain[1] and min(certain[0][0], certain[1][0]) < 300:
                self.ledger.different.append((method, path, certain))
            if certain:
                # Of two answers the one that says yes: what it says has to be so.
                status, content = min(certain, key=lambda answer: answer[0])
                acknowledged = 200 <= status < 300
                event = event(content) if acknowledged and callable(event) else event
                self.ledger.note(event, "acknowledged" if acknowledged else "refused")
                return status, content
            both = self.random.random() < BOTH_AT_ONCE
            time.sleep(self.random.uniform(0.05, 0.5))
        self.ledger.note(None if callable(event) else event, "unknown")
        return None, None

    def at_both(self, apis, method, path, body, key):
        answers = [None, None]

        def ask(index):
            answers[index] = self.ask(apis[index], method, path, body, key)

        other = threading.Thread(target=ask, args=(1,))
        other.start()
        ask(0)
        other.join()
        return answers

    def ask(self, port, method, path, body, key):
        try:
            status, content = request(port, method, path, body, key)
        except OSError:
            return None
        return None if status in UNCERTAIN else (status, content)

    def fly(self):
        flights, passengers = self.system.flight_apis, self.system.passenger_apis
        tag = uuid.uuid4().hex
        details = {"flightNumber": f"JB {self.random.randrange(1000)}", "origin": tag, "destination": "Oslo"}
        _, flight = self.command(flights, "POST", "/api/flights", details, ("FlightCreated", tag))
        if not flight or "id" not in flight:
            return
        path, ids = f"/api/flights/{flight['id']}", []
        for _ in range(self.random.randrange(1, 4)):
            name = uuid.uuid4().hex
            body = {"flightId": flight["id"], "name": name}
            _, passenger = self.command(passengers, "POST", "/api/passengers", body, ("PassengerCheckedIn", name))
            if passenger and "id" in passenger:
                ids.append(passenger["id"])
        if self.random.random() < 0.3:
            tag = uuid.uuid4().hex
            corrected = {**details, "origin": tag}
            self.command(flights, "PUT", path, corrected, ("FlightDetailsCorrected", tag))
        for passenger in ids:
            of_passenger, choice = f"/api/passengers/{passenger}", self.random.random()
            if choice < 0.2:
                name = uuid.uuid4().hex
                self.command(passengers, "PUT", of_passenger, {"name": name}, ("PassengerNameCorrected", name))
            if choice < 0.1:
                reason = {"reason": "no-show"}
                self.command(passengers, "POST", f"{of_passenger}/offload", reason, ("PassengerOffloaded", passenger))
            elif choice < 0.95:
                self.command(passengers, "POST", f"{of_passenger}/board", None, ("PassengerBoarded", passenger))
        status, _ = self.command(flights, "POST", f"{path}/disembark", None, ("FlightDisembarked", flight["id"]))
        if status == 200:
            self.command(flights, "POST", f"{path}/land", None, ("FlightLanded", flight["id"]))
        if self.random.random() < 0.4:
            self.command(flights, "DELETE", path, None, ("FlightDeleted", flight["id"]))


TAGS = {
    "FlightCreated": "origin",
    "FlightDetailsCorrected": "origin",
    "FlightDisembarked": "flightId",
    "FlightLanded": "flightId",
    "FlightDeleted": "flightId",
    "PassengerCheckedIn": "name",
    "PassengerNameCorrected": "name",
    "PassengerBoarded": "passengerId",
    "PassengerOffloaded": "passengerId",
}


def page_of_audit_log(system, after):
    """It answers 503 for as long as it takes to find the event store again."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        status, page = request(system.audit_log, "GET", f"/api/auditlog/all?limit=1000{after}")
        if status == 200:
            return page
        if status != 503 or time.monotonic() > deadline:
            raise SystemExit(f"the audit log answers {status}: {page}")
        time.sleep(0.2)


def events_in_streams(system):
    """How often there is an event that a command leads to, by what it is known by; and how many events there are."""
    counted, total, after = collections.Counter(), 0, ""
    while True:
        page = page_of_audit_log(system, after)
        for entry in page["items"]:
            total += 1
            if field := TAGS.get(entry["eventType"]):
                counted[entry["eventType"], entry["data"][field]] += 1
        if len(page["items"]) < 1000:
            return counted, total
        after = f"&after={page['next']}"


def verify(system, programs):
    command = [programs / "jetbridge", "verify", "--event-store", system.event_store, "--settle", str(SETTLE_LIMIT)]
    for domain in ("flight", "passenger"):
        command += [f"--{domain}-database-url", system.database(domain, system.postgres.port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JETBRIDGE_")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)


def endure(system, programs, options):
    stop, ledger = threading.Event(), Ledger()
    kinds = [break_process, break_connections]
    breakers = [Breaker(functools.partial(kind, system), f"{options.seed}-{kind.__name__}", stop) for kind in kinds]
    clients = [Client(system, ledger, f"{options.seed}-{number}", stop) for number in range(options.clients)]
    begin = time.monotonic()
    for thread in [*breakers, *clients]:
        thread.start()
    while time.monotonic() < begin + options.seconds and not any(thread.error for thread in [*breakers, *clients]):
        time.sleep(0.2)
    stop.set()
    for thread in [*breakers, *clients]:
        thread.join(COMMAND_LIMIT * 20)
        if thread.error or thread.is_alive():
            raise SystemExit(f"{type(thread).__name__} failed: {thread.error!r}")
    took = time.monotonic() - begin
    system.wait_until_ready()
    verified = verify(system, programs)
    counted, total = events_in_streams(system)
    acknowledged = [event for event, outcome in ledger.outcomes.items() if outcome == "acknowledged"]
    lost = [event for event in acknowledged if counted[event] == 0]
    double = [event for event, times in counted.items() if times > 1]
    print(f"{took:.0f} s, {options.clients} clients, seed {options.seed}: {total} events")
    print("commands:", ", ".join(f"{count} {what}" for what, count in sorted(ledger.counts.items())))
    broken = sorted(sum((breaker.counts for breaker in breakers), collections.Counter()).items())
    print("broken:", ", ".join(f"{count} × {what}" for what, count in broken))
    print(f"lost: {len(lost)}, double: {len(double)}, answered differently by the replicas: {len(ledger.different)}")
    print(f"verify: {verified.returncode}: {verified.stdout.strip()} {verified.stderr.strip()}")
    for problem in [*lost[:10], *double[:10], *ledger.different[:10]]:
        print(" ", problem)
    return not lost and not double and verified.returncode == 0 and bool(acknowledged)


def build(profile, others=()):
    names = [*PROGRAMS, "jetbridge", "jetbridge-eventstore", *others]
    packages = [part for name in names for part in ("--package", name)]
    subprocess.run(["cargo", "build", "--locked", "--bins", "--profile", profile, *packages], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / ("debug" if profile == "dev" else profile)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long commands are sent [default: 60]")
    parser.add_argument("--clients", type=int, default=12, help="clients that send one command at a time [default: 12]")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="what to break when, and what to ask for")
    parser.add_argument("--profile", default="dev", help="Cargo profile of the programs [default: dev]")
    parser.add_argument("--programs", type=Path, help="folder with programs that are built already")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and data")
    options = parser.parse_args()
    programs = options.programs or build(options.profile)
    folder = Path(tempfile.mkdtemp(prefix="jetbridge-endurance-"))
    # PostgreSQL may run as another user.
    folder.chmod(0o755)
    system, holds = None, False
    try:
        system = System(folder, programs)
        system.start()
        holds = endure(system, programs, options)
    finally:
        if system:
            system.stop()
        if options.keep or not holds:
            print(f"logs and data are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
