#!/usr/bin/env python3
"""Compares what Jetbridge does with what the document of its API says: schemathesis makes requests from it, valid ones
and others, one after the other and along its links, and checks every answer.

Starts `jetbridge` on a data folder of its own. Needs schemathesis and PostgreSQL's programs. Exit code 0 if all is as
it is said.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from support import START_LIMIT, running

HERE = Path(__file__).resolve().parent
# Beyond the time in which it makes requests, which it finishes.
END_LIMIT = 120
# They have no end.
FEEDS = ["/api/auditlog/events", "/api/changes"]


def prepare(program, url):
    """Something happens in each stream, so that there is a position in it."""

    def made(*words):
        command = [program, *words, "--server", url, "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=START_LIMIT).stdout)["id"]

    flight = made("flights", "create", "--flight-number", "JB 101", "--origin", "HAM", "--destination", "Oslo")
    made("passengers", "add", "--flight-id", flight, "--name", "Ada Lovelace")


def check(url, seconds):
    command = [Path(sys.executable).parent / "schemathesis", "--config-file", HERE / "schemathesis.toml"]
    # The same requests each time: what fails was not there before.
    command += ["run", f"{url}/api/openapi.json", "--seed", "2026", "--max-time", str(seconds), "--continue-on-failure"]
    command += ["--no-shrink"]
    for path in FEEDS:
        command += ["--exclude-path", path]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(HERE)}
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, env=environment, cwd=folder, timeout=seconds + END_LIMIT, check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the program jetbridge")
    parser.add_argument("--seconds", type=int, default=25, help="for how long requests are made")
    arguments = parser.parse_args()
    with running(arguments.program) as url:
        prepare(arguments.program, url)
        return check(url, arguments.seconds)


if __name__ == "__main__":
    sys.exit(main())
