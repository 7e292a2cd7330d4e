"""Fixtures: the made-up machine, and a server that plays AWS's part."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.deploy.support import FakeAws, Machine, Outcome


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a stand-in terraform, a provider mirror and no AWS credentials."""
    for folder in ("home", "bin", "work"):
        (tmp_path / folder).mkdir()
    made = Machine(
        tmp_path,
        {
            "HOME": str(tmp_path / "home"),
            "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SHIM_LOG": str(tmp_path / "calls.jsonl"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    made.install_shim()
    made.environment["TF_PLUGIN_MIRROR"] = str(made.mirror(tmp_path / "mirror", "5.99.0"))
    return made


@pytest.fixture
def fake_aws() -> Iterator[FakeAws]:
    """A server on 127.0.0.1 that plays AWS's part in these tests."""
    state = FakeAws()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if state.refusal:
                body = f"<Error><Code>{state.refusal}</Code><Message>refused</Message></Error>"
                self._answer(403, f"<ErrorResponse>{body}</ErrorResponse>")
            else:
                self._answer(
                    200,
                    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
                    "<Arn>arn:aws:iam::111122223333:role/deployer</Arn>"
                    "<UserId>AROAEXAMPLE</UserId><Account>111122223333</Account>"
                    "</GetCallerIdentityResult></GetCallerIdentityResponse>",
                )

        def do_GET(self) -> None:
            known = state.health and self.path == "/_sandbox/health"
            self._answer(200 if known else 404, '{"status": "ok"}' if known else "what?")

        def do_HEAD(self) -> None:
            region = state.buckets.get(self.path.strip("/"))
            self.send_response(200 if region else 404)
            if region:
                self.send_header("x-amz-bucket-region", region)
            self.end_headers()

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def signed_in(machine: Machine, fake_aws: FakeAws) -> Machine:
    """The machine, with credentials that lead to account 111122223333."""
    machine.environment |= {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-real-secret-either",
        "AWS_ENDPOINT_URL_STS": fake_aws.url,
        "AWS_ENDPOINT_URL_S3": fake_aws.url,
    }
    return machine


@pytest.fixture
def fails_clearly() -> Callable[[Outcome, str, str], None]:
    """Asserts that a run ended with exit code 2, a cause and a remedy, and no traceback."""

    def check(outcome: Outcome, cause: str, remedy: str) -> None:
        assert outcome.code == 2, outcome.text
        assert outcome.stderr.count("error:") == 1, outcome.stderr
        message = outcome.stderr[outcome.stderr.index("error:") :]
        assert cause in message, message
        assert remedy in message, message
        assert "Traceback" not in outcome.text

    return check
