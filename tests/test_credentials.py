import hashlib
import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from clips import Extras, moving_luma, small_disk, soft_shot, write_film

import vidcolor
from vidcolor.cli.main import main
from vidcolor.film import credentials
from vidcolor.film.credentials import SYNTHETIC_COLOR, Signer
from vidcolor.models.zoo import load_model
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.writing.plan import Job

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


def actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What a manifest says was done."""
    (assertion,) = (a for a in manifest["assertions"] if a["label"] == "c2pa.actions.v2")
    return assertion["data"]["actions"]


def planes(path: str) -> list[bytes]:
    """The decoded pictures of a film."""
    with av.open(path) as opened:
        return [np.asarray(frame.to_ndarray()).tobytes() for frame in opened.decode(video=0)]


@pytest.mark.usefixtures("c2pa")
def test_a_signed_film_says_how_its_color_was_made() -> None:
    """Synthetic color, by which program, model and settings, on which film; nobody else's key."""
    assert run("film.mp4", "--saturation", "0.7", "-q") == 0
    state, failures, manifest = read("film.colorized.mp4")
    assert (state, failures) == ("Valid", {UNTRUSTED})
    opened, edited = actions(manifest)
    assert opened["action"] == "c2pa.opened"
    assert edited["action"] == "c2pa.edited"
    assert edited["digitalSourceType"] == SYNTHETIC_COLOR
    assert SYNTHETIC_COLOR.endswith("/digitalsourcetype/compositeWithTrainedAlgorithmicMedia")
    assert edited["softwareAgent"] == {"name": "vidcolor", "version": vidcolor.__version__}
    told = edited["parameters"]["vidcolor"]
    assert told["source_sha256"] == hashlib.sha256(Path("film.mp4").read_bytes()).hexdigest()
    assert told["model"] == "lite"
    assert told["model_sha256"] == load_model("lite", "cpu").sha256
    assert told["settings"]["color"]["saturation"] == 0.7
    assert manifest["signature_info"]["issuer"] == "Film Archive"
    (parent,) = manifest["ingredients"]
    assert (parent["title"], parent["relationship"]) == ("film.mp4", "parentOf")
    assert parent["description"] == f"SHA-256 {told['source_sha256']}"
    sidecar = Path("film.colorized.json").read_text()
    assert "key.pem" not in json.dumps(manifest) + sidecar


@pytest.mark.usefixtures("c2pa")
@pytest.mark.parametrize(("suffix", "arguments"), [("mp4", ["--framemd5"]), ("mov", [])])
def test_the_film_in_it_is_the_same(suffix: str, arguments: list[str]) -> None:
    """Signing moves bytes in the file, but no picture, sound or time: --verify reads it signed."""
    assert run("film.mp4", "-o", f"a.{suffix}", "--verify", *arguments, "-q") == 0
    assert main(["film.mp4", "-o", f"b.{suffix}", *arguments, *FAST, "-q"]) == 0
    assert read(f"a.{suffix}")[:2] == ("Valid", {UNTRUSTED})
    assert planes(f"a.{suffix}") == planes(f"b.{suffix}")
    told = json.loads(Path("a.json").read_text())
    assert told["verification"]["missing_frames"] == 0
    assert told["verification"]["streams"]
    assert all(told["verification"]["streams"].values())
    fixity = told["output"]["fixity"]["messageDigest"]
    assert fixity == hashlib.sha256(Path(f"a.{suffix}").read_bytes()).hexdigest()
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("c2pa")
def test_a_changed_byte_is_found() -> None:
    """In the picture's own bytes."""
    assert run("film.mp4", "-q") == 0
    path = Path("film.colorized.mp4")
    data = bytearray(path.read_bytes())
    data[data.index(b"mdat") + 400] ^= 1
    path.write_bytes(data)
    state, failures, _ = read(path.name)
    assert state == "Invalid"
    assert "assertion.bmffHash.mismatch" in failures


@pytest.mark.usefixtures("c2pa")
def test_matroska_has_them_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    """As it holds none: told once, before the work; they fit that film alone."""
    film("film.mkv")
    assert run("film.mkv", "--lossless", "--verify") == 0
    note = "film.mkv: matroska cannot hold content credentials: written beside it, film.colorized"
    assert capsys.readouterr().err == f"vidcolor: {note}.c2pa\n"
    film_, beside = Path("film.colorized.mkv"), "film.colorized.c2pa"
    assert read(film_.name, beside)[:2] == ("Valid", {UNTRUSTED})
    data = bytearray(film_.read_bytes())
    data[-9] ^= 1
    film_.write_bytes(data)
    assert read(film_.name, beside)[0] == "Invalid"
    for path in (film_, Path("film.colorized.json")):
        path.unlink()
    assert run("film.mkv", "--lossless", "-q") == 1
    assert "film.colorized.c2pa: exists already; use --overwrite" in capsys.readouterr().err


@pytest.mark.usefixtures("c2pa")
def test_what_a_signed_source_tells_is_kept() -> None:
    """Its own credentials go along, so that the chain reaches back to it."""
    assert run("film.mp4", "-o", "first.mp4", "-q") == 0
    assert run("first.mp4", "-o", "second.mp4", "--force", "-q") == 0
    state, failures, manifest = read("second.mp4")
    assert (state, failures) == ("Valid", {UNTRUSTED})
    assert manifest["ingredients"][0]["active_manifest"] == read("first.mp4")[2]["label"]


@pytest.mark.usefixtures("c2pa")
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_other_keys_sign_too(kind: str) -> None:
    """C2PA's kinds, in the form that OpenSSL writes by itself; from Python as well."""
    make_chain("other.pem", "other-key.pem", kind=kind)
    output = OutputSettings(c2pa_certificate="other.pem", c2pa_key="other-key.pem")
    settings = Settings(model=ModelSettings(device="cpu", render_size=64), output=output)
    vidcolor.colorize_video("film.mp4", "out.mp4", settings)
    assert read("out.mp4")[:2] == ("Valid", {UNTRUSTED})


@pytest.mark.usefixtures("c2pa")
@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        ("chain.pem", "missing.pem", "missing.pem: cannot be read (No such file or directory)"),
        ("missing.pem", "key.pem", "missing.pem: cannot be read (No such file or directory)"),
        ("key.pem", "key.pem", "key.pem: holds no certificate as PEM; name one"),
        ("chain.pem", "chain.pem", "chain.pem: holds no private key as PEM without a passphrase"),
        ("chain.pem", "locked.pem", "locked.pem: holds no private key as PEM without a pass"),
        ("chain.pem", "film.mp4", "film.mp4: holds no private key as PEM without a passphrase"),
        ("chain.pem", "other-key.pem", "other-key.pem: is not the key of the first certificate in"),
        ("old.pem", "old-key.pem", "old.pem: nothing can be signed with it ("),
        ("root.pem", "root-key.pem", "root.pem: nothing can be signed with it ("),
    ],
)
def test_what_cannot_sign_is_told_first(
    capsys: pytest.CaptureFixture[str], certificate: str, key: str, told: str
) -> None:
    """Once, in one line, before a film is looked at."""
    from cryptography.hazmat.primitives import serialization as to
    from cryptography.hazmat.primitives.asymmetric import ec

    make_chain("other.pem", "other-key.pem")
    make_chain("old.pem", "old-key.pem", days=-1)
    secret = to.load_pem_private_key(Path("key.pem").read_bytes(), None)
    locked = to.BestAvailableEncryption(b"secret")
    Path("locked.pem").write_bytes(
        secret.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, locked)
    )
    root = ec.generate_private_key(ec.SECP256R1())
    Path("root.pem").write_bytes(certify("Root", root, root, 9).public_bytes(to.Encoding.PEM))
    Path("root-key.pem").write_bytes(
        root.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, to.NoEncryption())
    )
    film("second.mp4")
    before = set(Path().iterdir())
    signed = ["--c2pa-certificate", certificate, "--c2pa-key", key]
    assert main(["film.mp4", "second.mp4", *signed, *FAST]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"vidcolor: {told}")
    assert err.count("\n") == 1
    assert set(Path().iterdir()) == before


def test_the_missing_extra_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to install; films without credentials need none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    film("film.mp4")
    assert run("film.mp4") == 1
    told = "vidcolor: --c2pa-certificate needs c2pa-python; pip install 'vidcolor[c2pa]'\n"
    assert capsys.readouterr().err == told
    assert main(["film.mp4", "-q", *FAST]) == 0


@pytest.mark.parametrize("given", [["--c2pa-key", "k.pem"], ["--c2pa-certificate", "c.pem"]])
def test_one_of_the_two_is_bad_usage(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A certificate is of no use without its key."""
    with pytest.raises(SystemExit, match="2"):
        main(["film.mp4", *given])
    err = capsys.readouterr().err
    assert "needs --c2pa-" in err
    assert err.count("\n") == 1


def test_a_film_that_cannot_be_signed_is_not_kept(
    c2pa: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It fails with one line, and nothing is left of it."""
    sign = c2pa.Builder.sign

    def fail(self: object, kind: str, *streams: object) -> bytes:
        if kind == "video/mp4":
            raise c2pa.C2paError("no more ink")
        return sign(self, kind, *streams)

    before = set(Path().iterdir())
    monkeypatch.setattr(c2pa.Builder, "sign", fail)
    assert run("film.mp4") == 1
    told = "vidcolor: film.colorized.mp4: cannot be signed (no more ink)\n"
    assert capsys.readouterr().err == told
    assert set(Path().iterdir()) == before


@pytest.mark.usefixtures("c2pa")
def test_it_is_the_signed_film_that_is_verified(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that signing would have spoiled is not kept."""
    sign = Signer.sign

    def sign_and_spoil(self: Signer, job: Job, facts: Any, written: Path) -> bytes:
        manifest = sign(self, job, facts, written)
        write_film(written, soft_shot(2, 4), codec="libx264")
        return manifest

    before = set(Path().iterdir())
    monkeypatch.setattr(Signer, "sign", sign_and_spoil)
    assert run("film.mp4", "--verify") == 1
    told = "vidcolor: film.colorized.mp4: not kept, as it does not hold what it should (lacks 1 of"
    assert capsys.readouterr().err.startswith(told)
    assert set(Path().iterdir()) == before


@pytest.mark.usefixtures("c2pa")
def test_large_films_are_copied_beside_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where temporary files go, as there may be no room for films."""
    monkeypatch.setenv("TMPDIR", "nowhere")
    monkeypatch.setitem(credentials._OFFLINE, "core", {"backing_store_memory_threshold_in_mb": 1})
    pictures = [moving_luma(1, 320, 240, seed=seed)[0] for seed in range(24)]
    write_film(Path("noise.mkv"), pictures)
    assert run("noise.mkv", "-o", "out.mp4", "--codec", "libx264", "--crf", "1", "-q") == 0
    assert Path("out.mp4").stat().st_size > 1 << 20
    assert os.environ["TMPDIR"] == "nowhere"


@pytest.mark.usefixtures("c2pa")
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_full_disk_is_told_and_the_work_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    suffix: str,
) -> None:
    """A film in MP4 needs room for its signed copies; signed beside, it needs no more."""
    sign = Signer.sign

    def sign_on_little_room(*args: Any) -> bytes:
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - (1 << 18))
        return sign(*args)

    monkeypatch.setattr(Signer, "sign", sign_on_little_room)
    pictures = [moving_luma(1, 320, 240, seed=seed)[0] for seed in range(12)]
    write_film(Path("noise.mkv"), pictures)
    with small_disk(tmp_path, "30m") as disk:
        output, ballast = disk / f"out.{suffix}", disk / "ballast"
        ends = run("noise.mkv", "-o", str(output), "--codec", "libx264", "--crf", "1", "-q")
        ballast.unlink()
        left = {path.name for path in disk.iterdir()}
    err = capsys.readouterr().err
    if suffix == "mkv":
        assert (ends, left, err) == (0, {"out.mkv", "out.json", "out.c2pa"}, "")
    else:
        assert ends == 1
        assert {".out.mp4.work"} <= left <= {".out.mp4.work", ".out.mp4.work-wal"}
        assert err == f"vidcolor: {disk}: the disk is full; make room or choose another -o\n"


@pytest.mark.usefixtures("c2pa")
def test_the_ledger_knows_signed_from_unsigned(capsys: pytest.CaptureFixture[str]) -> None:
    """The same command again is done; a film without credentials is another."""
    assert run("film.mp4", "-o", "out/", "-q") == 0
    assert run("film.mp4", "-o", "out/") == 0
    assert "is done already" in capsys.readouterr().out
    assert main(["film.mp4", "-o", "out/", *FAST]) == 1
    assert "was made with other things (" in capsys.readouterr().err


@pytest.mark.usefixtures("c2pa")
def test_a_bag_holds_them() -> None:
    """Those beside a film are payload."""
    film("film.mkv")
    assert run("film.mkv", "-o", "bag", "--bagit", "-q") == 0
    assert Path("bag/data/film.colorized.c2pa").is_file()
    assert "data/film.colorized.c2pa" in Path("bag/manifest-sha256.txt").read_text()
