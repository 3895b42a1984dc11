#!/usr/bin/env python3
"""Builds the images, runs docker-compose.prod.yml, and tries it as an operator and an outage would.

Needs a Docker engine, docker-compose 1.29 or Compose v2, and the base images, present or to be pulled; where one of them
is missing it says so, and succeeds without having tested anything.

  JETBRIDGE_TEST_STAND_INS  a program that makes stand-ins for base images that cannot be pulled, called as
                            PROGRAM rust|distroless-cc|postgres NAME, and PROGRAM eventstore NAME BINARY ARGUMENT...
  JETBRIDGE_TEST_PROFILE    Cargo profile of the images [default: dev, which is quick to build]
  JETBRIDGE_TEST_KEEP       anything: leave everything running at the end
"""

import concurrent.futures
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from support import free_port

ROOT = Path(__file__).resolve().parent.parent
PROFILE = os.environ.get("JETBRIDGE_TEST_PROFILE", "dev")
STAND_INS = os.environ.get("JETBRIDGE_TEST_STAND_INS")
PROJECT = f"jetbridge-test-{os.getpid()}"
IMAGES = "localhost/jetbridge-test"

APIS = ["flight-api", "passenger-api", "auditlog-api"]
PROCESSORS = ["flight-processor", "passenger-processor"]
SERVICES = [*PROCESSORS, *APIS, "gateway"]
IMAGE_NAMES = [*SERVICES, "setup"]
LONG_RUNNING = ["event-store", "postgres", *SERVICES]
# What EVENTSTORE may say, the default first: what the settings of each begin with.
EVENT_STORES = {"kurrentdb-26.0": "KURRENTDB", "eventstoredb-24.10": "EVENTSTORE"}
EVENT_STORE_FILES = [f"containers/event-store/{name}.yml" for name in EVENT_STORES]

PULL_LIMIT = 300
BUILD_LIMIT = 1500
HEALTHY_LIMIT = 90
TAKEOVER_LIMIT = 5
OWN_LAYER_LIMIT = 15_000_000
NONROOT = "65532:65532"


class Failed(Exception):
    """Something is not as it should be."""


def check(condition, message):
    if not condition:
        raise Failed(message)


started = time.monotonic()


def step(text):
    print(f"==> {text} ({time.monotonic() - started:.0f} s)", flush=True)


def run(*command, limit=120, env=None, ok=True):
    """Runs a command to its end, and returns what became of it."""
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=limit, check=False)
    if ok and done.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def skip(reason):
    print(f"containers: SKIPPED, nothing was tested: {reason}", flush=True)
    sys.exit(0)


def eventually(what, limit, attempt):
    """Tries until the attempt returns something true. Returns it, and how many seconds it took."""
    begin = time.monotonic()
    last = None
    while True:
        try:
            result = attempt()
            if result:
                return result, time.monotonic() - begin
        except (Failed, OSError, http.client.HTTPException, json.JSONDecodeError) as error:
            last = error
        check(time.monotonic() - begin < limit, f"not within {limit} s: {what} (last: {last})")
        time.sleep(0.1)


# ---- what is needed ----


def find_docker():
    if shutil.which("docker") is None:
        skip("there is no docker command")
    try:
        if run("docker", "info", limit=20, ok=False).returncode != 0:
            skip("no Docker engine answers")
    except subprocess.TimeoutExpired:
        skip("the Docker engine does not answer in time")
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if run("docker", "compose", "version", ok=False).returncode == 0:
        return ["docker", "compose"]
    return skip("there is neither docker-compose nor docker compose")


def default_of(file, pattern):
    return re.search(pattern, (ROOT / file).read_text(), re.MULTILINE).group(1)


def base_images():
    return {
        "rust": default_of("Dockerfile", r"^ARG RUST_IMAGE=(\S+)"),
        "distroless-cc": default_of("Dockerfile", r"^ARG RUNTIME_IMAGE=(\S+)"),
        "postgres": default_of("docker-compose.prod.yml", r"\$\{POSTGRES_IMAGE:-([^}]+)\}"),
        "eventstore": default_of(EVENT_STORE_FILES[0], r"\$\{EVENTSTORE_IMAGE:-([^}]+)\}"),
    }


def is_present(image):
    return run("docker", "image", "inspect", image, ok=False).returncode == 0


def is_pulled(image):
    try:
        return run("docker", "pull", "--quiet", image, limit=PULL_LIMIT, ok=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def stand_in(kind, image):
    if kind != "eventstore":
        run(STAND_INS, kind, image, limit=600)
        return
    # The embedded event store, which speaks the same protocol, on one node and without TLS.
    run("cargo", "build", "--locked", "--package", "jetbridge-eventstore", limit=BUILD_LIMIT)
    folder = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    binary = f"{folder}/debug/jetbridge-eventstore"
    settings = ["--listen", "0.0.0.0:2113", "--public-host", "event-store", "--data-dir", "/var/lib/kurrentdb"]
    run(STAND_INS, kind, f"{image}-stand-in", binary, *settings, limit=600)
    # A volume that is new takes over the owner of the folder that it is mounted on.
    folders = "mkdir -p /var/lib/kurrentdb /var/log/kurrentdb && chown 1001:1001 /var/lib/kurrentdb /var/log/kurrentdb"
    lines = [f"FROM {image}-stand-in", "USER 0", f"RUN {folders}", "USER 1001:1001"]
    with tempfile.TemporaryDirectory() as empty:
        (Path(empty) / "Dockerfile").write_text("\n".join(lines) + "\n")
        run("docker", "build", "--quiet", "--tag", image, empty, limit=600)


def provide_base_images():
    for kind, image in base_images().items():
        if is_present(image):
            print(f"    {image}: here")
        elif STAND_INS:
            stand_in(kind, image)
            print(f"    {image}: a stand-in, not the published image")
        elif is_pulled(image):
            print(f"    {image}: pulled")
        else:
            skip(f"the base image {image} is not here and cannot be pulled")


# ---- the system ----


class System:
    def __init__(self, compose):
        self.port = free_port()
        self.compose = [*compose, "--project-name", PROJECT, "--file", "docker-compose.prod.yml"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JETBRIDGE_", "COMPOSE_"))}
        self.env = {
            **kept,
            "JETBRIDGE_IMAGES": IMAGES,
            "JETBRIDGE_VERSION": "test",
            "JETBRIDGE_PORT": str(self.port),
            "JETBRIDGE_BUILD_PROFILE": PROFILE,
            "DOCKER_SCAN_SUGGEST": "false",
        }

    def call(self, *arguments, limit=300, ok=True, **env):
        return run(*self.compose, *arguments, limit=limit, env={**self.env, **env}, ok=ok)

    def containers(self, service=None):
        found = self.call("ps", "--quiet", *([service] if service else [])).stdout.split()
        check(found, f"there is no container of {service or 'anything'}")
        return found

    def container(self, service):
        return self.containers(service)[0]

    def wait_until_healthy(self, limit=HEALTHY_LIMIT):
        for service in LONG_RUNNING:
            for container in self.containers(service):
                wait_until_healthy(container, service, limit)

    def network(self, name):
        return f"{PROJECT}_{name}"

    def volume(self, name):
        return f"{PROJECT}_{name}"


def inspect(thing):
    return json.loads(run("docker", "inspect", thing).stdout)[0]


def wait_until_healthy(container, name, limit=HEALTHY_LIMIT, after=None):
    """Waits until the container is healthy; if `after` is given, in a run that began later than that one."""

    def is_healthy():
        state = inspect(container)["State"]
        return state["StartedAt"] != after and state.get("Health", {}).get("Status") == "healthy"

    return eventually(f"{name} is healthy", limit, is_healthy)[1]


def crash(container):
    """Ends the container's first process as a crash does. Docker restarts nothing that was killed through it, so where
    the process cannot be signalled directly, the container is killed and started by hand."""
    pid = inspect(container)["State"]["Pid"]
    try:
        # The engine may be on another machine, where the same number is another process.
        check(container in Path(f"/proc/{pid}/cgroup").read_text(), "not a process of this machine")
        os.kill(pid, signal.SIGKILL)
        return "restarted by Docker"
    except (OSError, Failed):
        run("docker", "kill", container)
        run("docker", "start", container)
        return "killed and started again"


# ---- clients ----


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers = status, headers
        self.body = json.loads(body) if body else None


class Api:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"

    def send(self, method, path, body=None, key=None, position=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if key:
            # The audit log does not show keys.
            headers |= {"Idempotency-Key": key, "X-Correlation-Id": key}
        if position:
            headers["Jetbridge-Position"] = position
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def expect(self, status, method, path, body=None, **more):
        answer = self.send(method, path, body, **more)
        check(answer.status == status, f"{method} {path}: {answer.status} instead of {status}: {answer.body}")
        return answer

    def history(self):
        """The whole audit log, and the position that it covers."""
        entries, after = [], ""
        while True:
            page = self.expect(200, "GET", f"/api/auditlog/all?limit=1000{after}")
            if not page.body["items"]:
                return entries, page.headers["Jetbridge-Position"]
            entries += page.body["items"]
            after = f"&after={page.body['next']}"

    def walk(self, path, position):
        """All items of a list, as the read model has them at this position."""
        items, after = [], ""
        while True:
            answer = self.settled("GET", f"{path}?limit=1000{after}", position)
            items += answer.body["items"]
            if answer.body["next"] is None:
                return items
            after = f"&after={answer.body['next']}"

    def settled(self, method, path, position):
        def attempt():
            answer = self.send(method, path, position=position)
            check(answer.status == 200, f"{path}: {answer.status} {answer.body}")
            return answer

        return eventually(f"{path} at its position", 30, attempt)[0]


def flight_body():
    return {"flightNumber": f"JB{random.randrange(1000)}", "origin": "HAM", "destination": "OSL"}


def tour(api):
    """Every scenario, and the refusals that belong to them."""
    flight = api.expect(201, "POST", "/api/flights", flight_body()).body["id"]
    people = [
        api.expect(201, "POST", "/api/passengers", {"flightId": flight, "name": name}).body["id"]
        for name in ("Ada Lovelace", "Alan Turing", "Grace Hopper")
    ]
    api.expect(200, "POST", f"/api/passengers/{people[0]}/board")
    refused = api.expect(409, "POST", f"/api/flights/{flight}/disembark")
    check(refused.body["type"] == "/problems/not-all-boarded" and refused.body["missing"] == 2, refused.body)
    api.expect(200, "POST", f"/api/passengers/{people[1]}/board")
    api.expect(200, "POST", f"/api/passengers/{people[2]}/offload", {"reason": "no-show"})
    api.expect(200, "POST", f"/api/flights/{flight}/disembark")
    late = api.expect(409, "POST", "/api/passengers", {"flightId": flight, "name": "Too Late"})
    check(late.body["type"] == "/problems/flight-departed", late.body)
    landed = api.expect(200, "POST", f"/api/flights/{flight}/land")
    shown = api.settled("GET", f"/api/flights/{flight}", landed.headers["Jetbridge-Position"])
    check(shown.body["status"] == "arrived", shown.body)
    deleted = api.expect(204, "DELETE", f"/api/flights/{flight}")
    position = deleted.headers["Jetbridge-Position"]
    check(api.settled("GET", f"/api/passengers?flightId={flight}", position).body["items"] == [], "passengers are left")
    types = [entry["eventType"] for entry in api.history()[0] if entry["data"]["flightId"] == flight]
    for wanted in ("FlightCreated", "ManifestSealed", "FlightDisembarked", "FlightLanded", "FlightDeleted"):
        check(types.count(wanted) == 1, f"{wanted}: {types}")


class Load:
    """Clients that go on until they are told to stop. Each repeats a command, with its key, until it is answered."""

    CLIENTS = 4
    EXPECTED = {
        "create": "FlightCreated",
        "add": "PassengerCheckedIn",
        "board": "PassengerBoarded",
        "disembark": "FlightDisembarked",
        "land": "FlightLanded",
    }

    def __init__(self, api):
        self.api, self.stopping = api, threading.Event()
        self.acknowledged, self.flights, self.retries = [], {}, 0
        self.lock = threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(self.CLIENTS)
        self.clients = [self.pool.submit(self.work) for _ in range(self.CLIENTS)]

    def work(self):
        while not self.stopping.is_set():
            self.fly()

    def fly(self):
        flight = self.command("create", "POST", "/api/flights", flight_body())
        people = [
            self.command("add", "POST", "/api/passengers", {"flightId": flight, "name": f"Passenger {number}"})
            for number in range(3)
        ]
        for person in people:
            self.command("board", "POST", f"/api/passengers/{person}/board")
        self.command("disembark", "POST", f"/api/flights/{flight}/disembark")
        if random.random() < 0.5:
            self.command("land", "POST", f"/api/flights/{flight}/land")
        time.sleep(0.05)

    def command(self, kind, method, path, body=None):
        key, deadline = str(uuid.uuid4()), time.monotonic() + 120
        while True:
            check(time.monotonic() < deadline, f"{kind} was not answered within two minutes")
            try:
                answer = self.api.send(method, path, body, key=key)
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status < 300:
                break
            check(answer is None or answer.status in (503, 504), f"{kind}: {answer and (answer.status, answer.body)}")
            with self.lock:
                self.retries += 1
            time.sleep(0.2)
        with self.lock:
            self.acknowledged.append((key, self.EXPECTED[kind]))
            if kind != "add" and kind != "board":
                self.flights[answer.body["id"]] = answer.body["status"]
        return answer.body["id"]

    def progress(self):
        """Waits until commands are answered."""
        before = len(self.acknowledged)
        self.check_clients()
        eventually("commands are answered again", 60, lambda: len(self.acknowledged) > before + 20)
        self.check_clients()

    def check_clients(self):
        for client in self.clients:
            if client.done():
                client.result()

    def stop(self):
        self.stopping.set()
        for client in self.clients:
            client.result(timeout=150)
        self.pool.shutdown()


def verify(api, load):
    """Nothing that was acknowledged is lost or there twice, no rule was broken, and queries show what the log says."""
    entries, position = api.history()
    check_rules(entries)
    happened = {}
    for entry in entries:
        key = (entry["metadata"].get("$correlationId"), entry["eventType"])
        happened[key] = happened.get(key, 0) + 1
    for wanted in load.acknowledged:
        check(happened.get(wanted) == 1, f"{wanted} is there {happened.get(wanted, 0)} times")
    shown = {flight["id"]: flight["status"] for flight in api.walk("/api/flights", position)}
    for flight, status in load.flights.items():
        check(shown.get(flight) == status, f"flight {flight} is {shown.get(flight)}, not {status}")
    return entries


def check_rules(entries):
    numbers, sealed, waiting, ids = {}, set(), {}, set()
    for entry in entries:
        stream, number, kind = entry["stream"], entry["eventNumber"], entry["eventType"]
        check(number == numbers.get(stream, 0), f"{stream} has a gap at {number}")
        numbers[stream] = number + 1
        check(entry["eventId"] not in ids, f"twice: {entry}")
        ids.add(entry["eventId"])
        flight, passenger = entry["data"]["flightId"], entry["data"].get("passengerId")
        missing = waiting.setdefault(flight, set())
        if kind in ("PassengerCheckedIn", "PassengerBoarded", "PassengerOffloaded"):
            check(flight not in sealed, f"{kind} on a sealed manifest: {entry}")
            (missing.add if kind == "PassengerCheckedIn" else missing.discard)(passenger)
        elif kind == "ManifestSealed":
            check(not missing, f"sealed while {missing} had not boarded: {entry}")
            sealed.add(flight)
        elif kind == "FlightDisembarked":
            check(flight in sealed or stream == "flight-stream", "departed without a seal")
    departed = {entry["data"]["flightId"] for entry in entries if entry["eventType"] == "FlightDisembarked"}
    check(departed <= sealed, f"departed without a seal: {departed - sealed}")


# ---- the tests ----


def test_files(system):
    files = [["docker-compose.prod.yml"]]
    if (ROOT / "docker-compose.cluster.yml").exists():
        files.append(["docker-compose.prod.yml", "docker-compose.cluster.yml"])
    compose = system.compose[: system.compose.index("--project-name")]
    for chosen in files:
        options = [part for file in chosen for part in ("--file", file)]
        done = run(*compose, *options, "config", "--quiet", env=system.env)
        check(not (done.stdout + done.stderr).strip(), f"config of {chosen}: {done.stdout}{done.stderr}")
        for event_store, prefix in EVENT_STORES.items():
            check_event_store(run(*compose, *options, "config", env={**system.env, "EVENTSTORE": event_store}).stdout, prefix)
    check_pinned(compose, [*(file for chosen in files[-1:] for file in chosen), *EVENT_STORE_FILES])


def check_event_store(config, prefix):
    """Image, user, folders and settings fit together, whichever event store was chosen."""
    name, user = prefix.lower(), {"KURRENTDB": "1001:1001", "EVENTSTORE": "1000:1000"}[prefix]
    nodes = re.findall(r"^  event-store(?:-[23])?:\n((?:    .*\n|\n)+)", config.partition("\nservices:\n")[2], re.MULTILINE)
    check(len(nodes) in (1, 3), f"{len(nodes)} nodes of {name}")
    for node in nodes:
        check(re.search(rf"^    image: \S*/{name}:\S+$", node, re.MULTILINE), f"the image of {name}: {node}")
        check(f"    user: {user}\n" in node, f"the user of {name}: {node}")
        check(f":/var/lib/{name}:rw" in node and f":/var/log/{name}:rw" in node, f"the folders of {name}: {node}")
        check(f"      {prefix}_RUN_PROJECTIONS: None\n" in node, f"the settings of {name}: {node}")
        others = [other for other in EVENT_STORES.values() if other != prefix and f"{other}_" in node]
        check(not others, f"settings of {others} for {name}: {node}")


def check_pinned(compose, files):
    """What a release publishes names every image by its digest, unless a setting says which to take."""
    names = [*(f"jetbridge-{name}" for name in IMAGE_NAMES), "postgres", "kurrentdb", "eventstore"]
    digests = {name: f"sha256:{number:064x}" for number, name in enumerate(names, 1)}
    table = "".join(f"{name} {digest}\n" for name, digest in digests.items())
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            (Path(folder) / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, Path(folder) / file)
        paths = [str(Path(folder) / file) for file in files]
        subprocess.run([ROOT / "containers" / "pin", "1.2.3", *paths], input=table, text=True, check=True)
        options = [part for path in paths if "event-store" not in path for part in ("--file", path)]
        env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
        images = set()
        for event_store in EVENT_STORES:
            config = run(*compose, *options, "config", env={**env, "EVENTSTORE": event_store}).stdout
            images |= set(re.findall(r"^ +image: (\S+)$", config, re.MULTILINE))
        check(len(images) == len(names), f"pinned: {images}")
        for name, digest in digests.items():
            check(any(f"{name}:" in image and image.endswith(f"@{digest}") for image in images), f"{name}: {images}")
        env |= {"JETBRIDGE_VERSION": "1.2.4", "POSTGRES_IMAGE": "postgres:16", "EVENTSTORE_IMAGE": "eventstore:24.6"}
        config = run(*compose, *options, "config", env=env).stdout
        check("sha256:" not in config, f"pinned in spite of settings: {config}")


def test_images(system):
    base = inspect(base_images()["distroless-cc"])["Size"]
    for name in IMAGE_NAMES:
        image = f"{IMAGES}/jetbridge-{name}:test"
        found = inspect(image)
        config, own = found["Config"], found["Size"] - base
        print(f"    jetbridge-{name}: {own / 1e6:.1f} MB on top of the base")
        check(PROFILE == "dev" or own <= OWN_LAYER_LIMIT, f"{name}: {own} bytes of its own")
        check(config["User"] == NONROOT, f"{name} runs as {config['User']}")
        check(config["Labels"]["org.opencontainers.image.title"] == f"jetbridge-{name}", f"labels of {name}")
        check(config["Labels"]["org.opencontainers.image.version"] == "test", f"version label of {name}")
        shell = run("docker", "run", "--rm", "--entrypoint", "/bin/sh", image, "-c", "true", ok=False)
        check(shell.returncode != 0, f"{name} has a shell")
        if name != "setup":
            check(config["Healthcheck"]["Test"] == ["CMD", name, "healthcheck"], f"health check of {name}")


def test_refused_secrets(system):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for name in ("postgres", "flight", "passenger"):
            (Path(folder) / f"{name}-secret").mkdir()
            (Path(folder) / f"{name}-secret" / "password").write_text("correct horse battery staple\n")
        (Path(folder) / "service-secret").mkdir()
        (Path(folder) / "service-secret" / "token").write_text("correct-horse-battery-staple-correct-horse\n")
        (Path(folder) / "session-secret").mkdir()
        (Path(folder) / "session-secret" / "keys").write_text(f"{'new' * 16}\n{'old' * 16}\n")
        password = Path(folder) / "flight-secret" / "password"
        for text, words in (("change-me\n", "holds an example"), ("", "is empty")):
            password.write_text(text)
            done = system.call("run", "--rm", "setup", ok=False, JETBRIDGE_SECRETS=f"{folder}/")
            check(done.returncode != 0 and words in done.stdout + done.stderr, f"setup took {text!r}: {done}")
            image = f"{IMAGES}/jetbridge-flight-processor:test"
            settings = ["--database-url", "postgres://flight@db/flight?sslmode=disable", "--event-store", "esdb://db:1?tls=false"]
            settings += ["--passenger-api", "http://a:1", "--database-password-file", "/secrets/password"]
            mount = f"{password}:/secrets/password:ro"
            done = run("docker", "run", "--rm", "--volume", mount, image, *settings, ok=False)
            check(done.returncode == 1 and words in done.stderr, f"the service took {text!r}: {done}")
        password.write_text("correct horse battery staple\n")
        done = system.call("run", "--rm", "setup", JETBRIDGE_SECRETS=f"{folder}/")
        check((done.stdout + done.stderr).count(": kept") == 5, f"an operator's secrets: {done}")
    system.call("down", "--volumes")


def test_cluster(system):
    """What comes before the cluster's first start. The nodes themselves need EventStoreDB, so they are not started."""
    cluster = ["--file", "docker-compose.cluster.yml", "run", "--rm"]
    made = system.call(*cluster, "setup-certificates")
    check("made for 3 nodes" in made.stdout + made.stderr, f"certificates: {made}")
    kept = system.call(*cluster, "setup-certificates")
    check("kept" in kept.stdout + kept.stderr, f"certificates: {kept}")
    # In place of the event store's program, one that shows the environment that it is given.
    node = system.call(*cluster, "--no-deps", "setup")
    check((node.stdout + node.stderr).count(": made") == 12, f"secrets: {node}")
    shown = system.call(*cluster, "--no-deps", "event-store-2", EVENTSTORE_PROGRAM="/usr/bin/env").stdout
    found = re.search(r"^KURRENTDB_DEFAULT_ADMIN_PASSWORD=([0-9a-f]{64})\r?$", shown, re.MULTILINE)
    check(found, f"the administrator's password does not reach the event store: {shown}")
    settings = system.call("--file", "docker-compose.cluster.yml", "config").stdout
    check(found.group(1) not in settings, "the administrator's password is in the settings")
    system.call("--file", "docker-compose.cluster.yml", "down", "--volumes")


def passwords(system):
    image, found = base_images()["postgres"], {}
    for name, file in (("postgres", "password"), ("flight", "password"), ("passenger", "password"), ("service", "token")):
        mount = f"{system.volume(name + '-secret')}:/secret:ro"
        done = run("docker", "run", "--rm", "--volume", mount, "--entrypoint", "cat", image, f"/secret/{file}")
        found[name] = done.stdout.strip()
        check(len(found[name]) >= 32, f"the password of {name} is short")
    check(len(set(found.values())) == 4, "passwords are shared")
    return found


def test_hardening(system):
    published = {}
    for service in LONG_RUNNING:
        for container in system.containers(service):
            found = inspect(container)
            host = found["HostConfig"]
            check(host["ReadonlyRootfs"], f"{service} can write to its image")
            check(host["CapDrop"] == ["ALL"] and not host["CapAdd"], f"{service} has capabilities")
            check(any("no-new-privileges" in option for option in host["SecurityOpt"]), f"{service} may gain privileges")
            check(0 < (host["PidsLimit"] or 0) <= 1024, f"{service} may have {host['PidsLimit']} processes")
            check(not host["Privileged"] and host["Memory"] > 0, f"{service} is not limited")
            check(host["LogConfig"]["Config"].get("max-size"), f"the log of {service} grows for ever")
            check(host["RestartPolicy"]["Name"] == "unless-stopped", f"{service} is not restarted")
            users = run("docker", "top", container, "-eo", "uid,pid").stdout.splitlines()[1:]
            check(users and all(line.split()[0] not in ("0", "root") for line in users), f"{service} runs as root: {users}")
            ports = {port: bound for port, bound in found["NetworkSettings"]["Ports"].items() if bound}
            if ports:
                published[service] = ports
    check(list(published) == ["gateway"] and len(published["gateway"]) == 1, f"published: {published}")
    (bound,) = published["gateway"].values()
    check([to["HostIp"] for to in bound] == ["127.0.0.1"], f"published beyond this machine: {published}")
    check(inspect(setup_container(system))["Config"]["User"] == NONROOT, "setup runs as root")


def setup_container(system):
    return run("docker", "ps", "--all", "--quiet", "--filter", f"name={PROJECT}[_-]setup").stdout.split()[0]


def addresses(container):
    return {name: network["IPAddress"] for name, network in inspect(container)["NetworkSettings"]["Networks"].items()}


def reaches(network, host, port):
    """Whether a container on this network gets a connection."""
    image = base_images()["postgres"]
    attempt = f"timeout 3 bash -c '</dev/tcp/{host}/{port}'"
    command = ["docker", "run", "--rm", "--network", network, "--entrypoint", "bash", image, "-c", attempt]
    return run(*command, ok=False).returncode == 0


def test_networks(system):
    check(reaches(system.network("databases"), "postgres", 5432), "nobody reaches PostgreSQL: the check is wrong")
    check(reaches(system.network("event-store"), "event-store", 2113), "nobody reaches the event store: the check is wrong")
    check(reaches(system.network("services"), "flight-api", 8081), "nobody reaches the flight API: the check is wrong")
    gateway = set(addresses(system.container("gateway")))
    check(gateway == {system.network("outside"), system.network("services")}, f"the gateway is on {gateway}")
    stores = {"postgres": 5432, "event-store": 2113}
    for network in gateway:
        for service, port in stores.items():
            check(not reaches(network, service, port), f"{service} is known on {network}")
            for address in addresses(system.container(service)).values():
                check(not reaches(network, address, port), f"{service} is reached from {network}")
    check(not reaches(system.network("databases"), "event-store", 2113), "the networks of the stores are joined")


def test_secrets(system):
    known = passwords(system)
    for service in [*LONG_RUNNING, None]:
        for container in system.containers(service) if service else [setup_container(system)]:
            shown = json.dumps(inspect(container)) + run("docker", "top", container, ok=False).stdout
            logged = run("docker", "logs", container)
            for name, password in known.items():
                check(password not in shown, f"the password of {name} is in the settings of {service}")
                check(password not in logged.stdout + logged.stderr, f"the password of {name} is in the log of {service}")
    psql = "PGPASSWORD=$(cat /secrets/{user}/password) psql -qtAc 'SELECT 1' -h 127.0.0.1 -U {user} {database}"
    for user, database, allowed in (("flight", "flight", True), ("flight", "passenger", False), ("passenger", "flight", False)):
        command = psql.format(user=user, database=database)
        done = run("docker", "exec", system.container("postgres"), "bash", "-c", command, ok=False)
        check((done.returncode == 0) == allowed, f"{user} on {database}: {done}")
    wrong = "PGPASSWORD=wrong psql -qtAc 'SELECT 1' -h 127.0.0.1 -U flight flight"
    check(run("docker", "exec", system.container("postgres"), "bash", "-c", wrong, ok=False).returncode != 0, "any password")


def test_crashes(system, api):
    load = Load(api)
    try:
        load.progress()
        for service in LONG_RUNNING:
            container = system.container(service)
            before = inspect(container)["State"]["StartedAt"]
            how = crash(container)
            seconds = wait_until_healthy(container, service, after=before)
            load.progress()
            print(f"    {service}: {how}, healthy after {seconds:.1f} s")
        print("    all at once", flush=True)
        run("docker", "kill", *(system.container(service) for service in LONG_RUNNING))
        system.call("up", "--detach", "--no-build")
        system.wait_until_healthy()
        load.progress()
    finally:
        load.stop()
    entries = verify(api, load)
    print(f"    {len(load.acknowledged)} commands acknowledged, {load.retries} repeated, {len(entries)} events")
    return load


def test_down_and_up(system, api, load):
    before = api.history()[0]
    system.call("down")
    begin = time.monotonic()
    system.call("up", "--detach", "--no-build")
    system.wait_until_healthy()
    print(f"    up again after {time.monotonic() - begin:.1f} s")
    check(verify(api, load)[: len(before)] == before, "the log has changed")


def is_leading(check):
    return check["status"] == "up" and not check.get("detail", "").startswith("standing by")


class Probe:
    """Asks the instances of a processor how they are, from inside their network."""

    def __init__(self, system):
        image, network = base_images()["postgres"], system.network("services")
        options = ["--detach", "--rm", "--network", network, "--entrypoint", "sleep", "--name", f"{PROJECT}-probe"]
        self.container = run("docker", "run", *options, image, "3600").stdout.strip()
        self.network, self.token = network, passwords(system)["service"]

    def readers(self, container, port):
        """Which readers of a processor this instance leads."""
        address = addresses(container)[self.network]
        headers = rf"Host: {address}\r\nAuthorization: Bearer {self.token}\r\nConnection: close"
        request = rf"GET /health/ready HTTP/1.1\r\n{headers}\r\n\r\n"
        script = f"exec 3<>/dev/tcp/{address}/{port}; printf '{request}' >&3; timeout 2 cat <&3"
        answer = run("docker", "exec", self.container, "bash", "-c", script, ok=False).stdout
        body = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])
        return {found["name"]: is_leading(found) for found in body["checks"]}

    def leads(self, container, port):
        return all(self.readers(container, port).values())

    def close(self):
        run("docker", "rm", "--force", self.container, ok=False)


def race(api):
    """Clients that board, add and depart the same flights at the same time."""

    def play(flight):
        calls = [("POST", f"/api/flights/{flight}/disembark", None)] * 2
        calls += [("POST", "/api/passengers", {"flightId": flight, "name": "Late"})] * 4
        person = api.expect(201, "POST", "/api/passengers", {"flightId": flight, "name": "Early"}).body["id"]
        calls.append(("POST", f"/api/passengers/{person}/board", None))
        random.shuffle(calls)
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            for answer in pool.map(lambda call: api.send(*call), calls):
                check(answer.status in (200, 201, 409), f"{answer.status}: {answer.body}")

    for _ in range(30):
        play(api.expect(201, "POST", "/api/flights", flight_body()).body["id"])


def test_replicas(system, api):
    scaled = [part for service in [*APIS, *PROCESSORS] for part in ("--scale", f"{service}=2")]
    system.call("up", "--detach", "--no-build", *scaled)
    system.wait_until_healthy()
    probe = Probe(system)
    load = Load(api)
    try:
        load.progress()
        race(api)
        for processor, port in zip(PROCESSORS, (8091, 8092)):
            pair = system.containers(processor)
            check(len(pair) == 2, f"{processor} has {len(pair)} instances")
            for reader in probe.readers(pair[0], port):
                leading = [container for container in pair if probe.readers(container, port)[reader]]
                check(len(leading) == 1, f"{len(leading)} instances do {reader}")
            leader = next(container for container in pair if any(probe.readers(container, port).values()))
            other = next(container for container in pair if container != leader)
            run("docker", "kill", leader)
            _, seconds = eventually(f"the other {processor} leads", TAKEOVER_LIMIT, lambda: probe.leads(other, port))
            print(f"    {processor}: the other instance leads after {seconds:.1f} s")
            load.progress()
            run("docker", "start", leader)
        for service in APIS:
            run("docker", "kill", system.container(service))
            load.progress()
            print(f"    {service}: one of two is enough", flush=True)
    finally:
        load.stop()
        probe.close()
    entries = verify(api, load)
    print(f"    {len(load.acknowledged)} commands acknowledged, {load.retries} repeated, {len(entries)} events")


def main():
    os.chdir(ROOT)
    compose = find_docker()
    step("base images")
    provide_base_images()
    system = System(compose)
    api = Api(system.port)
    try:
        step("compose files")
        test_files(system)
        step(f"images, profile {PROFILE}")
        system.call("build", limit=BUILD_LIMIT)
        test_images(system)
        step("secrets that are none")
        test_refused_secrets(system)
        step("preparation of a cluster")
        test_cluster(system)
        step("up")
        begin = time.monotonic()
        system.call("up", "--detach", "--no-build")
        system.wait_until_healthy()
        print(f"    healthy after {time.monotonic() - begin:.1f} s")
        step("scenarios")
        tour(api)
        step("hardening, networks, secrets")
        test_hardening(system)
        test_networks(system)
        step("crashes under load")
        load = test_crashes(system, api)
        test_secrets(system)
        step("down and up")
        test_down_and_up(system, api, load)
        step("two instances of each API and processor")
        test_replicas(system, api)
        step("passed")
    except Exception:
        logs = system.call("logs", "--tail", "30", ok=False)
        print(logs.stdout[-20000:], logs.stderr[-2000:], sep="\n")
        print(system.call("ps", ok=False).stdout, flush=True)
        raise
    finally:
        if not os.environ.get("JETBRIDGE_TEST_KEEP"):
            system.call("down", "--volumes", "--remove-orphans", ok=False)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"containers: FAILED: {failure}", flush=True)
        sys.exit(1)
