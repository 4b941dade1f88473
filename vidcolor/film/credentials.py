"""Content credentials (C2PA): a signed account, in a film or beside it, of what made its color.

The library is the extra `c2pa`, loaded only when a film is to be signed. Nothing asks a network.
"""

import errno
import io
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from vidcolor.errors import DiskFullError, OutputError
from vidcolor.extras import how_to_install
from vidcolor.files import beside, open_new, write_whole
from vidcolor.settings import OutputSettings
from vidcolor.version import __version__
from vidcolor.writing.plan import Job

FORMATS = {"mp4": "video/mp4", "mov": "video/quicktime"}
"""The containers that hold credentials."""
SYNTHETIC_COLOR = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
"""IPTC's word for media of which a part was made by a trained model: the luma was filmed."""

_ANY_FORMAT = "application/octet-stream"
_FILMS_WITH_CREDENTIALS = "mov,mp4"  # how FFmpeg's name of their demuxer begins
_AGENT = {"name": "vidcolor", "version": __version__}
_PARENT = "source"
_LEAST_FREE_BYTES = 1 << 20
_SIGNING = Lock()
_OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
    "builder": {"thumbnail": {"enabled": False}},
}


def manifest_path(film: Path) -> Path:
    """Where the credentials of a film lie whose container holds none."""
    return beside(film, ".c2pa")


def lies_beside(container: str, output: OutputSettings) -> bool:
    """Whether a film is to have credentials that its container does not hold."""
    return output.c2pa_certificate is not None and container not in FORMATS


class Signer:
    """A certificate with its key, found to be good for signing.

    Args:
        certificate: PEM file of the signer's certificate and those above it, in this order.
        key: PEM file of its private key, without a passphrase.

    Raises:
        OutputError: The extra is missing, or nothing can be signed with these files; the text says
            why.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        try:
            import c2pa
        except ModuleNotFoundError as error:
            raise OutputError(
                f"--c2pa-certificate needs c2pa-python; {how_to_install('c2pa')}"
            ) from error
        self._c2pa: Any = c2pa
        self._chain = _read(certificate)
        self._algorithm, self._key = _read_key(certificate, self._chain, key)
        created = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC_COLOR}
        try:
            builder = self.builder({"assertions": [_actions(created)]})
            builder.set_no_embed()
            builder.sign(_ANY_FORMAT, io.BytesIO(b"trial"), _Nowhere())
        except c2pa.C2paError as error:
            raise OutputError(
                f"{certificate}: cannot sign with this certificate ({_line(error)}); "
                "name a chain that is valid now and issued for C2PA"
            ) from error

    def builder(self, claim: Mapping[str, object]) -> Any:
        """The library's builder of one manifest."""
        c2pa = self._c2pa
        info = c2pa.C2paSignerInfo(self._algorithm, self._chain, self._key, None)
        context = c2pa.Context.from_dict(_OFFLINE, signer=c2pa.Signer.from_info(info))
        return c2pa.Builder({"claim_generator_info": [_AGENT], **claim}, context)

    def sign(self, job: Job, facts: Mapping[str, object], written: Path) -> bytes:
        """Sign a film where it lies, if its container holds credentials.

        Args:
            job: The film and how it was written.
            facts: What made its color, as values that JSON has.
            written: The film, under a temporary name still.

        Returns:
            The manifest.

        Raises:
            DiskFullError: There is no room for two more copies for a moment.
            OutputError: It cannot be signed.
        """
        film, container = job.encoding.path, job.encoding.container
        signed = written.with_suffix(f".signed{written.suffix}")
        try:
            builder = self._claim(job, facts)
            with written.open("rb") as source, _copies_in(film.parent):
                if container in FORMATS:
                    with open_new(signed) as target:
                        manifest = builder.sign(FORMATS[container], source, target)
                    signed.replace(written)
                else:
                    builder.set_no_embed()
                    manifest = builder.sign(_ANY_FORMAT, source, _Nowhere())
        except self._c2pa.C2paError as error:
            free = shutil.disk_usage(film.parent).free
            if free < _LEAST_FREE_BYTES or f"(os error {errno.ENOSPC})" in str(error):
                raise DiskFullError(film.parent) from error
            raise OutputError(f"{film}: cannot be signed ({_line(error)})") from error
        finally:
            with suppress(OSError):
                signed.unlink(missing_ok=True)
        return bytes(manifest)

    def _claim(self, job: Job, facts: Mapping[str, object]) -> Any:
        """The builder of a film's manifest, with the source as its ingredient."""
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [_PARENT]}}
        edited = {
            "action": "c2pa.edited",
            "description": "Synthetic color, a guess of a trained model, on black-and-white film",
            "digitalSourceType": SYNTHETIC_COLOR,
            "softwareAgent": _AGENT,
            "parameters": {"vidcolor": facts},
        }
        claim = {"title": job.encoding.path.name, "assertions": [_actions(opened, edited)]}
        builder = self.builder(claim)
        source = job.source.path
        parent = {
            "title": source.name,
            "relationship": "parentOf",
            "label": _PARENT,
            "description": f"SHA-256 {facts['source_sha256']}",
        }
        with source.open("rb") as file:
            if job.source.container.startswith(_FILMS_WITH_CREDENTIALS):
                with suppress(self._c2pa.C2paError):  # old QuickTime, say
                    builder.add_ingredient(parent, "video/mp4", file)
                    return builder
            file.seek(0)
            builder.add_ingredient(parent, _ANY_FORMAT, file)
        return builder


class _Nowhere(io.RawIOBase):
    """Where the library writes a film that stays as it is: no second copy is kept of it."""

    def __init__(self) -> None:
        super().__init__()
        self._place = self._size = 0

    def write(self, data: Any) -> int:
        count = len(memoryview(data))
        self._place += count
        self._size = max(self._size, self._place)
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        return self._place


class Credentials:
    """The credentials of one film, if it is to have any.

    Args:
        job: The film and how it is written.
        output: Whether and with what to sign.
        claim: What made its color, see `Provenance.claim`.

    Raises:
        OutputError: See `Signer`.
    """

    def __init__(self, job: Job, output: OutputSettings, claim: Mapping[str, object]) -> None:
        self._job = job
        self._signer = load_signer(output)
        self._is_beside = lies_beside(job.encoding.container, output)
        self._manifest = b""
        self._facts = claim

    def add(self, written: Path) -> None:
        """Sign a film that is whole but has no name yet.

        Raises:
            OutputError: It cannot be signed.
        """
        if self._signer is not None:
            self._manifest = self._signer.sign(self._job, self._facts, written)

    def write(self) -> None:
        """Write credentials that the film's container does not hold beside it."""
        if self._is_beside:
            write_whole(manifest_path(self._job.encoding.path), self._manifest)


def load_signer(output: OutputSettings) -> Signer | None:
    """What signs the films of a run; None if nothing is to.

    Raises:
        OutputError: See `Signer`.
    """
    if output.c2pa_certificate is None or output.c2pa_key is None:
        return None
    return Signer(Path(output.c2pa_certificate), Path(output.c2pa_key))


@contextmanager
def _copies_in(folder: Path) -> Iterator[None]:
    """Have the library's own copy of a film beside it, where there is room for films.

    Only the environment decides that, which belongs to the whole process: so one film is signed at
    a time.
    """
    with _SIGNING:
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = str(folder.absolute())
        try:
            yield
        finally:
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before


def _actions(*actions: Mapping[str, object]) -> dict[str, object]:
    return {"label": "c2pa.actions.v2", "data": {"actions": list(actions)}}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror}); name a PEM file") from error


def _read_key(certificate: Path, chain: bytes, path: Path) -> tuple[str, bytes]:
    """The algorithm that a key signs with, and the key as the library wants it."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        first = x509.load_pem_x509_certificates(chain)[0].public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise OutputError(
            f"{certificate}: holds no PEM certificate; name a file that does"
        ) from error
    try:
        key = serialization.load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise OutputError(
            f"{path}: holds no PEM private key without a passphrase; name a file that does"
        ) from error
    if key.public_key() != first:
        raise OutputError(
            f"{path}: does not belong to the first certificate in {certificate}; name its key"
        )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return _algorithm(key, path), pem


def _algorithm(key: object, path: Path) -> str:
    """C2PA's name of how a key signs."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    by_curve = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in by_curve:
        return by_curve[key.curve.name]
    raise OutputError(f"{path}: C2PA does not accept this kind of key; use ES256, for example")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
