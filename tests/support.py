"""What the scripts of this folder have in common."""

import socket
import time


class NotInTime(SystemExit):
    """Something has not happened in time. Ends the script, unless it is caught."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(what, limit, condition):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise NotInTime(f"did not happen within {limit} s: {what}")
        time.sleep(0.05)
