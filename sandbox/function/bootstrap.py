"""The process in which a function runs: AWS's runtime client, bound to the sandbox's life.

Run as a script, never imported: ``python -P bootstrap.py <handler>``. The sandbox holds the
other end of standard input, so when it dies, however it dies, the read below ends and so does
this process. (A parent-death signal would do the same on Linux alone, and is bound to the
parent's *thread*.)
"""

from __future__ import annotations

import os
import re
import runpy
import socket
import sys
import threading
from typing import Any


def _leave_with_parent(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    os._exit(0)


def _resolve_account_hosts() -> None:
    """Let a client reach an account's own host at an address, as 123456789012.127.0.0.1.

    S3 Control's clients put the account before any host that they are given. AWS's name servers
    know such names; of an address nobody does.
    """
    resolve = socket.getaddrinfo

    def resolved(host: Any, *arguments: Any, **keywords: Any) -> Any:
        if isinstance(host, str):
            host = re.sub(r"^\d{12}\.(?=\d+\.\d+\.\d+\.\d+$)", "", host)
        return resolve(host, *arguments, **keywords)

    socket.getaddrinfo = resolved


def main() -> None:
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # the function sees an empty standard input, as on AWS
    os.close(nothing)
    threading.Thread(target=_leave_with_parent, args=(lifeline,), daemon=True).start()
    _resolve_account_hosts()
    # The runtime client takes the handler from its first argument.
    sys.argv = ["awslambdaric", *sys.argv[1:]]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
