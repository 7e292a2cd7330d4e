"""What the sandbox's own services refuse, in the words of AWS."""

from __future__ import annotations

from http import HTTPStatus


class RefusedError(Exception):
    """A refusal: AWS's code, its message, and the status of the answer."""

    def __init__(self, code: str, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
