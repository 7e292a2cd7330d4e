"""Fixtures: the made-up machine, and a server that plays AWS's part."""

from __future__ import annotations

import datetime
import json
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.deploy.support import FakeAws, Machine, Outcome
from tests.serving import Quiet, served_by

REGIONS = ("eu-west-1", "eu-west-3", "eu-north-1", "us-east-2", "ap-southeast-1")


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
    made.environment["TF_PLUGIN_MIRROR"] = str(made.mirror(tmp_path / "mirror", "5.100.0"))
    return made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for AWS's names in some regions, in one file."""
    zones = [f"{region}.amazonaws.com" for region in REGIONS]
    names = [name for zone in zones for name in (f"*.{zone}", f"*.s3.{zone}")]
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("certificate") / "aws.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


@pytest.fixture
def fake_aws(certificate: Path) -> Iterator[FakeAws]:
    """A server on 127.0.0.1 that plays AWS's part in these tests: as an endpoint of its own, and
    as a proxy behind which AWS's own names lead to it."""
    state = FakeAws(certificate=certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    class Handler(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.connection = self.request = tls.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("X-Amz-Target") == "AmazonSSM.DescribeDocument":
                known = json.loads(body)["Name"] in state.documents
                refused = '{"__type": "InvalidDocument"}'
                self._answer(200 if known else 400, '{"Document": {}}' if known else refused)
            elif b"Action=AssumeRole" in body:
                state.assumed += 1
                self._answer(
                    200,
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
                    "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                    "<SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>"
                    "</Credentials></AssumeRoleResult></AssumeRoleResponse>",
                )
            elif state.refusal:
                text = f"<Error><Code>{state.refusal}</Code><Message>refused</Message></Error>"
                self._answer(403, f"<ErrorResponse>{text}</ErrorResponse>")
            else:
                self._answer(
                    200,
                    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
                    "<Arn>arn:aws:iam::111122223333:role/deployer</Arn>"
                    "<UserId>AROAEXAMPLE</UserId><Account>111122223333</Account>"
                    "</GetCallerIdentityResult></GetCallerIdentityResponse>",
                )

        def do_GET(self) -> None:
            bucket, _, host = self.headers.get("Host", "").partition(".s3.")
            if host:
                held = "<Version><Key>k</Key></Version>" if bucket in state.files else ""
                self._answer(200, f"<ListVersionsResult>{held}</ListVersionsResult>")
                return
            known = state.health and self.path == "/_sandbox/health"
            self._answer(200 if known else 404, '{"status": "ok"}' if known else "what?")

        def do_HEAD(self) -> None:
            host = self.headers.get("Host", "").partition(".s3.")
            region = state.buckets.get(host[0] if host[1] else self.path.strip("/"))
            self.send_response(200 if region else 404)
            self.send_header("Content-Length", "0")
            if region:
                self.send_header("x-amz-bucket-region", region)
            self.end_headers()

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

    with served_by(Handler) as url:
        state.url = url
        yield state


@pytest.fixture
def signed_in(machine: Machine, fake_aws: FakeAws) -> Machine:
    """The machine, with credentials that lead to account 111122223333."""
    machine.environment |= {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-real-secret-either",
        "HTTPS_PROXY": fake_aws.url,
        "AWS_CA_BUNDLE": str(fake_aws.certificate),
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
