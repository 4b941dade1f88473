from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from clips import Extras, soft_shot, write_film

from vidcolor.cli.main import main

FAST = ["--device", "cpu", "--render-size", "64"]
SIGNED = ["--c2pa-certificate", "chain.pem", "--c2pa-key", "key.pem"]
UNTRUSTED = "signingCredential.untrusted"


@pytest.fixture
def c2pa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The library; a film, a chain of certificates and its key lie in the working folder."""
    library = pytest.importorskip("c2pa", reason="the extra c2pa is not installed")
    monkeypatch.chdir(tmp_path)
    make_chain("chain.pem", "key.pem")
    film("film.mp4")
    return library


def film(name: str) -> Path:
    """A short film with sound."""
    lossless = name.endswith(".mkv")
    codec = "ffv1" if lossless else "libx264"
    return write_film(
        Path(name),
        soft_shot(1, 5),
        codec=codec,
        extras=Extras(audio=["flac" if lossless else "aac"]),
    )


def make_chain(chain: str, key: str, *, kind: str = "ec", days: int = 30) -> None:
    """Write a chain of a signer and a root that nobody trusts, and the signer's key."""
    from cryptography.hazmat.primitives import serialization as to
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    root = ec.generate_private_key(ec.SECP256R1())
    signer: Any = {
        "ec": lambda: ec.generate_private_key(ec.SECP384R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    pem = to.Encoding.PEM
    certificates = [certify("Signer", signer, root, days), certify("Root", root, root, days)]
    Path(chain).write_bytes(b"".join(one.public_bytes(pem) for one in certificates))
    private = to.PrivateFormat.PKCS8 if kind == "ed25519" else to.PrivateFormat.TraditionalOpenSSL
    Path(key).write_bytes(signer.private_bytes(pem, private, to.NoEncryption()))


def certify(subject: str, key: Any, issuer: Any, days: int) -> Any:
    """A certificate for `key`; the root may sign others, the signer documents."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Film Archive"),
                x509.NameAttribute(NameOID.COMMON_NAME, text),
            ]
        )

    is_root = subject == "Root"
    usages = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name("Root"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(is_root, None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_root, key_cert_sign=is_root, crl_sign=is_root, **usages
            ),
            critical=True,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
        )
    )
    if not is_root:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purposes, critical=False)
    return builder.sign(issuer, hashes.SHA256())


def read(path: str, beside: str | None = None) -> tuple[str, set[str], dict[str, Any]]:
    """How the library's reader judges a film, what failed in it, and its manifest."""
    import c2pa

    offline = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    data = Path(beside).read_bytes() if beside else None
    kind = "application/octet-stream" if beside else "video/mp4"
    context = c2pa.Context.from_dict(offline)
    with Path(path).open("rb") as file, c2pa.Reader(kind, file, data, context) as reader:
        failures = reader.get_validation_results()["activeManifest"]["failure"]
        manifest = reader.get_active_manifest()
        return reader.get_validation_state(), {one["code"] for one in failures}, manifest


def run(*arguments: str) -> int:
    """Colorize and sign."""
    return main([*arguments, *SIGNED, *FAST])
