#!/usr/bin/env python3
"""Sends the requests of documentation/http to a `jetbridge` on an empty data folder, and checks that it answers as they
say.

Needs the program hurl, and PostgreSQL's. Exit code 0 if all is as it is said.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from support import running

SCENARIOS = Path(__file__).resolve().parent.parent / "documentation/http"
LIMIT = 120


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the program jetbridge")
    parser.add_argument("--hurl", required=True, help="the program hurl")
    arguments = parser.parse_args()
    with running(arguments.program) as url:
        command = [arguments.hurl, "--test", "--variable", f"url={url}", *sorted(SCENARIOS.glob("*.hurl"))]
        return subprocess.run(command, timeout=LIMIT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
