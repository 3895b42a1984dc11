"""What the scripts of this folder have in common."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

START_LIMIT = 60
STOP_LIMIT = 60
READY = "Jetbridge is ready at "


class NotInTime(SystemExit):
    """Something has not happened in time. Ends the script, unless it is caught."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(program):
    """A `jetbridge` on a data folder of its own: where it is."""
    with tempfile.TemporaryDirectory(prefix="jetbridge-") as folder:
        # PostgreSQL may run as another user.
        os.chmod(folder, 0o755)
        log = Path(folder) / "log"
        command = [program, "--listen", "127.0.0.1:0", "--data-dir", Path(folder) / "data"]
        with log.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            eventually("Jetbridge is ready", START_LIMIT, lambda: address(log))
            yield address(log)
        finally:
            process.terminate()
            process.wait(STOP_LIMIT)


def address(log):
    """Where it is, once it says so."""
    for line in log.read_text().splitlines():
        if line.startswith(READY):
            return line.removeprefix(READY)
    return None


def eventually(what, limit, condition):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise NotInTime(f"did not happen within {limit} s: {what}")
        time.sleep(0.05)
