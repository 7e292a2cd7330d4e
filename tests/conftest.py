"""What holds for all of the project's own tests."""

from __future__ import annotations

import signal

# A shell that starts this run in the background has SIGINT ignored in it, and what a run starts
# inherits that; the tests that interrupt a command would then wait for what never comes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
