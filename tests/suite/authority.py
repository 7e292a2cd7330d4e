"""A time-stamping authority on this machine: OpenSSL's, behind a server that may answer wrongly."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.serving import Quiet, served_by

_OPENSSL = shutil.which("openssl") or "openssl"
_CONFIGURATION = """\
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_chain = no
"""
_EXTENSIONS = """\
extendedKeyUsage = critical,timeStamping
basicConstraints = CA:FALSE
keyUsage = digitalSignature
"""

# From a request to the status and the body of the answer.
Answering = Callable[[bytes], tuple[int, bytes]]


class Authority:
    """The authority in a folder: its keys, and `root`, the certificate that its own leads to."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.root = folder, folder / "root.pem"
        self._configuration = folder / "authority.cnf"
        self._configuration.write_text(_CONFIGURATION.format(folder=folder))
        (folder / "serial").write_text("01\n")
        (folder / "extensions").write_text(_EXTENSIONS)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        root = ("-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Root", "-days", "30")
        self._openssl("req", "-x509", *curve, *root)
        signer = ("-keyout", "signer.key", "-out", "signer.csr", "-subj", "/CN=Authority")
        self._openssl("req", *curve, *signer)
        issuer = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "30")
        issued = ("-extfile", "extensions", "-out", "signer.pem")
        self._openssl("x509", "-req", "-in", "signer.csr", *issuer, *issued)

    def stamp(self, request: bytes) -> tuple[int, bytes]:
        """Answer a request."""
        query, reply = self._folder / "query.tsq", self._folder / "reply.tsr"
        query.write_bytes(request)
        asked = ("-config", str(self._configuration), "-queryfile", str(query), "-out", str(reply))
        self._openssl("ts", "-reply", *asked)
        return 200, reply.read_bytes()

    def proves(self, answer: Path, text: Path) -> bool:
        """Whether OpenSSL itself finds an answer to be of a text, by the root."""
        asked = ("-in", str(answer), "-data", str(text), "-CAfile", str(self.root))
        return "Verification: OK" in self._openssl("ts", "-verify", *asked)

    def _openssl(self, *arguments: str) -> str:
        done = subprocess.run(
            [_OPENSSL, *arguments], cwd=self._folder, capture_output=True, text=True, check=True
        )
        return done.stdout


@contextmanager
def serving(answering: Answering) -> Iterator[str]:
    """Serve an authority on a free port; its address."""

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            status, body = answering(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with served_by(Handler) as url:
        yield f"{url}/stamp"
