"""What can go wrong before or while Terraform runs, said in one message each."""

from __future__ import annotations

USAGE = 2
# Not 1: that means everywhere that a control failed. 3 to 6 are the suite's.
FAILURE = 7
LEFT_LOCKED = 8
INTERRUPTED = 130


class DeployError(Exception):
    """Something that stops the command.

    `cause` is a sentence without its full stop; `remedy` says what to do about it; `code` is the
    process's exit code: 2 when a precondition is missing, 7 when Terraform failed, 8 when a
    destruction left what Object Lock keeps and nothing else, 130 when the user interrupted.
    """

    def __init__(self, cause: str, remedy: str, code: int = USAGE) -> None:
        super().__init__(f"{cause}.\n{remedy}")
        self.cause = cause
        self.remedy = remedy
        self.code = code
