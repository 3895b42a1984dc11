#!/usr/bin/env python3
"""Runs the programs of the release before and those of this one together, and checks that nothing is lost or doubled.

Two replicas of everything and two gateways begin as the release before. While clients send commands, to the APIs and
through the gateways, and ask for what they have done with its position, one process after the other is replaced by
that of this release, then by that of the release before again, then by that of this one: so each meets the others in
both versions. At the end it is checked that

- each acknowledged command is in the streams exactly once, and each other one at most once;
- no query was refused, or answered by something older than its position;
- `jetbridge verify` of both releases finds nothing.

Needs the programs of the release before (--old), Cargo and PostgreSQL's programs; as root also setpriv and the user
postgres. Exit code 0 if all holds.
"""

import argparse
import collections
import http.client
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

from endurance import ANSWER_LIMIT, COMMAND_LIMIT, START_LIMIT, UNCERTAIN, Client, Ledger, System
from endurance import build, events_in_streams, verify
from support import eventually, free_port

# Readers first: they understand what the release before writes, and that does not understand them.
ORDER = ["flight-processor", "passenger-processor", "flight-api", "passenger-api", "auditlog-api", "gateway"]
STOP_LIMIT = 40


class Reader(threading.Thread):
    """Makes flights at one gateway, and asks another for each with the position of its making."""

    def __init__(self, gateways, stop):
        super().__init__(daemon=True)
        self.gateways, self.stopped = gateways, stop
        self.counts, self.wrong, self.error = collections.Counter(), [], None

    def run(self):
        try:
            while not self.stopped.is_set():
                self.look()
        except BaseException as error:  # whoever waits for it says so
            self.error = error

    def look(self):
        number = f"JB {uuid.uuid4().hex[:6]}"
        details = {"flightNumber": number, "origin": "HAM", "destination": "Oslo"}
        made = self.ask(0, "POST", "/api/flights", details, {"Idempotency-Key": str(uuid.uuid4())})
        if made is None or made[0] != 201:
            self.wrong.append(("made", made))
            return
        _, flight, position = made
        found = self.ask(1, "GET", f"/api/flights/{flight['id']}", None, {"Jetbridge-Position": position})
        self.counts["read"] += 1
        if found is None or found[0] != 200 or found[1]["flightNumber"] != number:
            self.wrong.append(("read", found))

    def ask(self, at, method, path, body, headers):
        """Asks one gateway after the other until there is an answer that is certain; None if there was none."""
        deadline = time.monotonic() + COMMAND_LIMIT
        while time.monotonic() < deadline:
            try:
                answer = exchange(self.gateways[at % 2], method, path, body, headers)
                if answer[0] not in UNCERTAIN:
                    return answer
            except (OSError, ValueError, http.client.HTTPException):
                pass
            self.counts["repeated"] += 1
            at += 1
            time.sleep(0.1)
        return None


def exchange(port, method, path, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_LIMIT)
    try:
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.getheader("Jetbridge-Position")
    finally:
        connection.close()


def add_gateways(system, programs):
    """Each knows one replica of each service, through the same proxies for as long as it lives."""
    for number in (1, 2):
        at = lambda service: f"http://127.0.0.1:{system.programs[f'{service}-{number}'].port}"  # noqa: E731
        arguments = ["--service-token-file", system.folder / "service-token", "--auditlog-api"]
        arguments += [f"http://127.0.0.1:{system.audit_log}", "--rate-limit", "0"]
        for service in ("flight-api", "passenger-api", "flight-processor", "passenger-processor"):
            arguments += [f"--{service}", at(service)]
        system.add(f"gateway-{number}", programs / "gateway", free_port(), arguments)
    return [system.programs[f"gateway-{number}"].port for number in (1, 2)]


def replace(system, name, programs):
    """Stops a process as an orchestrator does, and starts that of another release in its place."""
    program = system.programs[name]
    program.signal(signal.SIGTERM)
    try:
        program.process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{name} does not stop") from None
    program.arguments = [programs / Path(program.arguments[0]).name, *program.arguments[1:]]
    program.start()
    eventually(f"{name} of {programs} is ready", START_LIMIT, program.is_ready)


def roll(system, programs, order):
    for kind in order:
        for name in [name for name in system.programs if name.rpartition("-")[0] == kind]:
            replace(system, name, programs)


def upgrade(system, gateways, old, new, options):
    stop, ledger = threading.Event(), Ledger()
    through_gateways = SimpleNamespace(flight_apis=gateways, passenger_apis=gateways)
    ways = [system, through_gateways]
    clients = [Client(ways[n % 2], ledger, f"{options.seed}-{n}", stop) for n in range(options.clients)]
    readers = [Reader(ports, stop) for ports in (gateways, gateways[::-1])]
    threads = [*clients, *readers]
    for thread in threads:
        thread.start()
    for programs, order in [(new, ORDER), (old, ORDER[::-1]), (new, ORDER)]:
        roll(system, programs, order)
        time.sleep(options.seconds)
    stop.set()
    for thread in threads:
        thread.join(COMMAND_LIMIT * 20)
        if thread.error or thread.is_alive():
            raise SystemExit(f"{type(thread).__name__} failed: {thread.error!r}")
    system.wait_until_ready()
    verified = [verify(system, programs) for programs in (old, new)]
    counted, total = events_in_streams(system)
    acknowledged = [event for event, outcome in ledger.outcomes.items() if outcome == "acknowledged"]
    lost = [event for event in acknowledged if counted[event] == 0]
    # Those of the readers are not among them: each has its own origin, and these have the same.
    double = [event for event, times in counted.items() if times > 1 and event != ("FlightCreated", "HAM")]
    wrong = [problem for reader in readers for problem in reader.wrong]
    print(f"{total} events; commands:", ", ".join(f"{n} {what}" for what, n in sorted(ledger.counts.items())))
    print("queries:", dict(sum((reader.counts for reader in readers), collections.Counter())))
    print(f"lost: {len(lost)}, double: {len(double)}, queries answered wrongly: {len(wrong)}")
    for release, done in zip((old, new), verified, strict=True):
        print(f"verify of {release}: {done.returncode}: {done.stdout.strip()} {done.stderr.strip()}")
    for problem in [*lost[:10], *double[:10], *wrong[:10]]:
        print(" ", problem)
    is_verified = all(done.returncode == 0 for done in verified)
    return not lost and not double and not wrong and is_verified and bool(acknowledged)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path, required=True, help="folder with the programs of the release before")
    parser.add_argument("--programs", type=Path, help="folder with those of this one, built already")
    parser.add_argument("--profile", default="dev", help="Cargo profile of the programs [default: dev]")
    parser.add_argument("--seconds", type=float, default=5, help="how long each mixture stays [default: 5]")
    parser.add_argument("--clients", type=int, default=6, help="clients that send one command at a time [default: 6]")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="what to ask for")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and data")
    options = parser.parse_args()
    old, new = options.old.resolve(), (options.programs or build(options.profile, ["gateway"])).resolve()
    folder = Path(tempfile.mkdtemp(prefix="jetbridge-upgrade-"))
    # PostgreSQL may run as another user.
    folder.chmod(0o755)
    system, holds = None, False
    try:
        system = System(folder, old)
        gateways = add_gateways(system, old)
        system.start()
        holds = upgrade(system, gateways, old, new, options)
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
