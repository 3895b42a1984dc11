#!/usr/bin/env python3
"""Lets a real Prometheus scrape a real Jetbridge, and checks that

- every metric of the table in documentation/operations.md is there, but for those of what does not happen here;
- every query of the dashboards can be evaluated, and has data where its metrics are there;
- alerts are silent while all is well, and fire by faults of their kind: the rules are those of containers/observability,
  with shorter times.

Starts `jetbridge`, with --all also an event store of its own beside it. Needs Prometheus and PostgreSQL's programs. Exit
code 0 if all holds.
"""

import argparse
import contextlib
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
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import endurance
from support import eventually, free_port

ROOT = Path(__file__).resolve().parent.parent
OBSERVABILITY = ROOT / "containers/observability"
START_LIMIT = 60
ALERT_LIMIT = 60
# Metrics of what does not happen in a run without faults, TLS, limits or a standby.
NOT_HERE = {
    "jetbridge_certificate_expiry_timestamp_seconds",
    "jetbridge_gateway_upstream_failures_total",
    "jetbridge_http_refusals_total",
    "jetbridge_reader_rebuild_events",
    "jetbridge_reader_rebuild_of_events",
    "jetbridge_reader_restarts_total",
}
# What others than Jetbridge measure, and what there is only when something is wrong.
OF_OTHERS = re.compile(r"\bnode_\w+|\bALERTS\b")
# Instead of minutes and hours.
SHORTER = [
    (r"for: \d+m", "for: 1s"),
    (r"\[(5m|30m|1h|6h)\]", "[10s]"),
    (r"\[15m\]", "[20s]"),
    (r"\[1d\]", "[1m]"),
    (r"seconds\) > (30|120)$", "seconds) > 3"),
]


class Wrong(Exception):
    """Something is not as it should be."""


def fetch(url, key=None, method="GET", body=None):
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


class Jetbridge:
    """Everything in one process, with a key that expires soon if there is to be one."""

    def __init__(self, programs, folder, *more, expires=None, files=4096):
        self.program, self.data = programs / "jetbridge", folder / "data"
        self.log = (folder / "log").open("w")
        create = [self.program, "keys", "create", "--data-dir", self.data, "--name", "operator", "--role", "admin"]
        created = subprocess.run([*create, *(["--expires", expires] if expires else [])], capture_output=True, text=True)
        self.key = re.search(r"jbk_\S+", created.stdout + created.stderr).group()
        self.port, self.metrics = free_port(), free_port()
        arguments = ["--listen", f"127.0.0.1:{self.port}", "--metrics-listen", f"127.0.0.1:{self.metrics}"]
        self.process = subprocess.Popen(
            [self.program, *arguments, "--data-dir", self.data, "--authentication", "keys", *more],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
        )
        self.stop_traffic, self.traffic = threading.Event(), None

    def wait(self):
        eventually("Jetbridge starts", START_LIMIT, (self.data / "running").exists)
        self.databases = json.loads((self.data / "running").read_text())["databases"]
        eventually("Jetbridge is ready", START_LIMIT, lambda: self.call("GET", "/health/ready")[0] == 200)

    def call(self, method, path, body=None):
        return fetch(f"http://127.0.0.1:{self.port}{path}", self.key, method, body)

    def new_flight(self, origin="AMS"):
        status, answer = self.call(
            "POST", "/api/flights", {"flightNumber": "JB 101", "origin": origin, "destination": "JFK"}
        )
        return json.loads(answer)["id"] if status == 201 else None

    def work(self):
        """What people do, once."""
        flight = self.new_flight()
        if flight:
            self.call("POST", "/api/passengers", {"flightId": flight, "name": "Ada Lovelace"})
            self.call("DELETE", f"/api/flights/{flight}")
        self.call("GET", "/api/flights")
        self.call("GET", "/api/auditlog/all")

    def keep_working(self):
        def work():
            while not self.stop_traffic.is_set():
                self.work()
                time.sleep(0.02)

        self.traffic = threading.Thread(target=work, daemon=True)
        self.traffic.start()

    def sql(self, domain, statement):
        url = self.databases[domain]
        done = subprocess.run(["psql", "--no-psqlrc", "--quiet", "-d", url, "-c", statement], capture_output=True, text=True)
        if done.returncode != 0:
            raise Wrong(f"{statement}: {done.stderr}")

    def stop(self):
        self.stop_traffic.set()
        if self.traffic:
            self.traffic.join(30)
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()


class Prometheus:
    """Scrapes Jetbridge each second."""

    def __init__(self, folder, targets, scarce=False):
        """With targets by their services. Where memory is scarce, there is a thousandth of it."""
        self.port = free_port()
        rules = (OBSERVABILITY / "prometheus/rules.yml").read_text()
        for what, instead in SHORTER:
            rules, count = re.subn(what, instead, rules, flags=re.MULTILINE)
            if count == 0:
                raise Wrong(f"no rule has {what}")
        if scarce:
            rules = rules.replace("0.9 * jetbridge_process_memory_limit_bytes", "0.001 * jetbridge_process_memory_limit_bytes")
        (folder / "rules.yml").write_text(rules)
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {
                    "job_name": "jetbridge",
                    "honor_labels": True,
                    "static_configs": [
                        {"targets": [f"127.0.0.1:{port}"], "labels": {"service": service}}
                        for service, port in targets.items()
                    ],
                }
            ],
        }
        # JSON is YAML.
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self.log = (folder / "prometheus.log").open("w")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def api(self, path, **query):
        status, answer = fetch(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}")
        if status != 200:
            raise Wrong(f"{query}: {status} {answer.decode()}")
        return json.loads(answer)["data"]

    def query(self, expression):
        return self.api("query", query=expression)["result"]

    def is_up(self):
        try:
            return self.query("up == 1") != []
        except Wrong:
            return False

    def names(self):
        return set(self.api("label/__name__/values"))

    def firing(self):
        alerts = self.api("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def expect(self, *alerts):
        for alert in alerts:
            eventually(f"{alert} fires", ALERT_LIMIT, lambda alert=alert: alert in self.firing())
            print(f"  {alert} fires", flush=True)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def documented_metrics():
    page = (ROOT / "documentation/operations.md").read_text()
    table = page.split("| metric | kind | labels | |\n")[1].split("\n\n")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", table, re.MULTILINE))


def check_metrics(prometheus):
    expected = {name: kind for name, kind in documented_metrics().items() if name not in NOT_HERE}
    series = {f"{name}_count" if kind == "histogram" else name for name, kind in expected.items()}

    def missing():
        return series - prometheus.names()

    eventually("all metrics are scraped", 15, lambda: not missing() or time.sleep(0.5))
    print(f"{len(series)} metrics are there")


def check_dashboards(prometheus):
    names, count, empty = prometheus.names(), 0, []
    for file in sorted((OBSERVABILITY / "grafana/dashboards").glob("*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$__rate_interval", "10s")
                expression = re.sub(r"\$\w+", ".*", expression)
                result = prometheus.query(expression)
                count += 1
                used = set(re.findall(r"\b(?:jetbridge|process)_\w+", expression))
                # Failures and retries, and what is only sometimes there.
                is_of_trouble = re.search(r'5\.\.|"?failure|_failures_|_restarts_', expression)
                if not result and used <= names and not is_of_trouble and not OF_OTHERS.search(expression):
                    empty.append(f"{file.name}, {panel['title']}: {expression}")
    if empty:
        raise Wrong("queries without data:\n" + "\n".join(empty))
    print(f"{count} queries of dashboards can be evaluated")


@contextlib.contextmanager
def running(*parts):
    try:
        yield
    finally:
        for part in parts:
            part.stop()


def in_one_process(programs, folder):
    """Dashboards, and the alerts whose faults need nothing beside one process."""
    jetbridge = Jetbridge(programs, folder, expires="3d")
    prometheus = Prometheus(folder, {"jetbridge": jetbridge.metrics})
    with running(jetbridge, prometheus):
        jetbridge.wait()
        eventually("Prometheus scrapes", START_LIMIT, prometheus.is_up)
        jetbridge.keep_working()
        print("all is well", flush=True)
        # A rate takes two scrapes, and a rule its time.
        check_metrics(prometheus)
        eventually("there are rates", 15, lambda: prometheus.query("jetbridge:slow:ratio_rate5m") != [])
        check_dashboards(prometheus)
        # How fast and how full this machine is, is its own affair.
        if others := prometheus.firing() - {"JetbridgeAccessKeyExpires", "JetbridgeSlow", "JetbridgeDiskFills"}:
            raise Wrong(f"fire although nothing is wrong: {others}")
        print("a key that expires in three days", flush=True)
        prometheus.expect("JetbridgeAccessKeyExpires")
        print("PostgreSQL refuses a row", flush=True)
        jetbridge.sql("flight", "ALTER TABLE flights ADD CONSTRAINT nowhere CHECK (origin <> 'XXX') NOT VALID")
        jetbridge.new_flight("XXX")
        prometheus.expect("JetbridgeEventsParked")
        print("the process is gone", flush=True)
        jetbridge.stop_traffic.set()
        jetbridge.process.kill()
        prometheus.expect("JetbridgeServiceDown")


class EventStore:
    """The embedded event store as a program of its own."""

    def __init__(self, programs, folder):
        self.program, self.folder, self.port = programs / "jetbridge-eventstore", folder / "events", free_port()
        self.address = f"esdb://127.0.0.1:{self.port}?tls=false"
        self.log = (folder / "events.log").open("w")
        self.start()

    def start(self):
        listen = ["--listen", f"127.0.0.1:{self.port}", "--data-dir", self.folder]
        self.process = subprocess.Popen([self.program, *listen], stdout=self.log, stderr=subprocess.STDOUT)

    def forget(self):
        """Starts again, with other events: none."""
        self.process.kill()
        self.process.wait(30)
        shutil.rmtree(self.folder)
        self.start()

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@contextlib.contextmanager
def frozen(process):
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def is_silent(prometheus, *alerts):
    eventually(f"{alerts} are over", ALERT_LIMIT, lambda: not prometheus.firing() & set(alerts))


def with_an_event_store(programs, folder):
    """The alerts whose faults are those of the event store and of PostgreSQL."""
    store = EventStore(programs, folder)
    jetbridge = Jetbridge(programs, folder, "--event-store", store.address)
    prometheus = Prometheus(folder, {"jetbridge": jetbridge.metrics})
    with running(jetbridge, prometheus, store):
        jetbridge.wait()
        jetbridge.keep_working()
        eventually("there are rates", START_LIMIT, lambda: prometheus.is_up() and prometheus.firing() is not None)
        print("the event store is frozen", flush=True)
        with frozen(store.process):
            prometheus.expect("JetbridgeErrorBudgetBurnsFast", "JetbridgeErrorBudgetBurnsSlowly")
            prometheus.expect("JetbridgeEventStoreAway", "JetbridgeOutcomesUnknown", "JetbridgeSlow")
        is_silent(prometheus, "JetbridgeEventStoreAway")
        print("somebody holds a table", flush=True)
        with held(jetbridge, "flight", "flights"):
            prometheus.expect("JetbridgeReaderBehind")
        is_silent(prometheus, "JetbridgeReaderBehind")
        print("PostgreSQL takes no connections", flush=True)
        with closed(jetbridge, "flight"):
            prometheus.expect("JetbridgeNobodyReads", "JetbridgeDatabaseShort")
        is_silent(prometheus, "JetbridgeNobodyReads")
        print("the event store holds another history", flush=True)
        store.forget()
        prometheus.expect("JetbridgeReactionsHalted")


def on_a_small_disk(programs, folder):
    """The alerts of what there is too little of. Needs to be root, for a disk of its own."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m,mode=755", "tmpfs", disk], check=True)
    try:
        jetbridge = Jetbridge(programs, disk, "--max-connections", "1000", files=400)
        prometheus = Prometheus(folder, {"jetbridge": jetbridge.metrics}, scarce=True)
        with running(jetbridge, prometheus):
            jetbridge.wait()
            jetbridge.keep_working()
            print("a machine with little memory", flush=True)
            prometheus.expect("JetbridgeMemoryShort")
            print("many connections", flush=True)
            with contextlib.ExitStack() as connections:
                for _ in range(320):
                    connections.enter_context(socket.create_connection(("127.0.0.1", jetbridge.port)))
                prometheus.expect("JetbridgeFilesShort")
            print("a disk that is nearly full", flush=True)
            fill(disk, 0.1)
            prometheus.expect("JetbridgeDiskFills")
            print("a full disk", flush=True)
            fill(disk, 0)
            prometheus.expect("JetbridgeEventsNotStored")
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk, share):
    """Leaves no more than this share of a disk."""
    usage = shutil.disk_usage(disk)
    with (disk / f"filling-{share}").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for _ in range(max(0, int(usage.free - share * usage.total)) // 4096 + 1):
            file.write(bytes(4096))


def in_services(programs, folder):
    """The alerts whose faults are those of a service of its own, or of a certificate."""
    postgres = endurance.Postgres(folder)
    store = EventStore(programs, folder)
    (folder / "token").write_text(endurance.SERVICE_TOKEN)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "5", "-subj", "/CN=authority"]
        + ["-keyout", folder / "authority.key", "-out", folder / "authority.pem"],
        check=True,
        capture_output=True,
    )
    metrics = {"flight-api": free_port(), "flight-processor": free_port(), "passenger-api": free_port()}
    database = f"postgres://jetbridge@127.0.0.1:{postgres.port}"

    def service(name, url, other, *more):
        port = free_port()
        common = ["--event-store", store.address, "--service-token-file", folder / "token", *other]
        listen = ["--listen", f"127.0.0.1:{port}", "--metrics-listen", f"127.0.0.1:{metrics[name]}"]
        command = [programs / name, *listen, "--database-url", url, *common, *more]
        return endurance.Program(name, command, port, folder / f"{name}.log")

    nowhere = f"http://127.0.0.1:{free_port()}"
    to_passengers, to_flights = ["--passenger-api", nowhere], ["--flight-api", nowhere]
    api = service("flight-api", f"{database}/flight", to_passengers, "--command-queue", "1")
    processor = service("flight-processor", f"{database}/flight", to_passengers)
    # It gets no connection, and need not.
    verified = [f"{database}/passenger?sslmode=verify-full", to_flights, "--database-ca-file", folder / "authority.pem"]
    distrusting = service("passenger-api", *verified)
    prometheus = Prometheus(folder, metrics)
    with running(store, prometheus):
        postgres.start()
        try:
            for each in (api, processor, distrusting):
                each.start()
            eventually("services are ready", START_LIMIT, lambda: api.is_ready() and processor.is_ready())
            print("an authority that expires in five days", flush=True)
            prometheus.expect("JetbridgeCertificateExpires")
            print("the other domain is away", flush=True)
            details = {"flightNumber": "JB 101", "origin": "AMS", "destination": "JFK"}
            flight = endurance.request(api.port, "POST", "/api/flights", details)[1]["id"]
            endurance.request(api.port, "DELETE", f"/api/flights/{flight}")
            prometheus.expect("JetbridgeReactionsStuck")
            print("more commands than are taken", flush=True)
            stop = threading.Event()

            def press():
                while not stop.is_set():
                    with contextlib.suppress(OSError):
                        endurance.request(api.port, "POST", "/api/flights", details)

            for _ in range(24):
                threading.Thread(target=press, daemon=True).start()
            prometheus.expect("JetbridgeCommandsOverload")
            stop.set()
        finally:
            for each in (api, processor, distrusting):
                each.kill()
            postgres.control("stop")


@contextlib.contextmanager
def held(jetbridge, domain, table):
    """Nobody reads or writes a table."""
    hold = f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(120)"
    holding = subprocess.Popen(["psql", "--no-psqlrc", "--quiet", "-d", jetbridge.databases[domain], "-c", hold])
    try:
        yield
    finally:
        sleeping = "query LIKE '%LOCK TABLE%' AND pid <> pg_backend_pid()"
        jetbridge.sql(domain, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {sleeping}")
        holding.wait(30)


@contextlib.contextmanager
def closed(jetbridge, domain):
    """Nobody gets a connection to a database."""
    other = next(name for name in jetbridge.databases if name != domain)
    jetbridge.sql(other, f'ALTER DATABASE "{domain}" ALLOW_CONNECTIONS false')
    # Those that are being made come through.
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{domain}'"
    for _ in range(3):
        jetbridge.sql(other, end)
        time.sleep(0.3)
    try:
        yield
    finally:
        jetbridge.sql(other, f'ALTER DATABASE "{domain}" ALLOW_CONNECTIONS true')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=ROOT / "target/debug", help="folder of the programs")
    parser.add_argument("--all", action="store_true", help="every fault, which takes some minutes")
    arguments = parser.parse_args()
    faults = [in_one_process]
    if arguments.all:
        faults += [with_an_event_store, on_a_small_disk, in_services]
    for fault in faults:
        folder = Path(tempfile.mkdtemp(prefix="jetbridge-observability-"))
        # Processes may become other users.
        folder.chmod(0o755)
        try:
            fault(arguments.programs, folder)
        except (Wrong, SystemExit) as error:
            for log in [*folder.glob("*log"), *folder.glob("*/log")]:
                sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}\n")
            raise SystemExit(f"{error}") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
