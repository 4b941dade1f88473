import sys
from pathlib import Path
from types import ModuleType

import pytest
from signed import FAST, UNTRUSTED, certify, film, make_chain, read, run

import vidcolor
from vidcolor.cli.main import main
from vidcolor.settings import ModelSettings, OutputSettings, Settings


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
        ("key.pem", "key.pem", "key.pem: holds no PEM certificate; name a file that does"),
        ("chain.pem", "chain.pem", "chain.pem: holds no PEM private key without a passphrase"),
        ("chain.pem", "locked.pem", "locked.pem: holds no PEM private key without a pass"),
        ("chain.pem", "film.mp4", "film.mp4: holds no PEM private key without a passphrase"),
        (
            "chain.pem",
            "other-key.pem",
            "other-key.pem: does not belong to the first certificate in",
        ),
        ("old.pem", "old-key.pem", "old.pem: cannot sign with this certificate ("),
        ("root.pem", "root-key.pem", "root.pem: cannot sign with this certificate ("),
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
    told = "vidcolor: --c2pa-certificate needs c2pa-python; pip install c2pa-python cryptography\n"
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
    """It fails with one line; the shots that are whole stay for the next run."""
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
    assert set(Path().iterdir()) - before == {Path(".film.colorized.mp4.work")}
