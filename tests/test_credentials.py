import hashlib
import json
import os
import shutil
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import av
import numpy as np
import pytest
from clips import moving_luma, small_disk, soft_shot, write_film
from signed import FAST, UNTRUSTED, film, read, run

import vidcolor
from vidcolor.cli.main import main
from vidcolor.film import credentials
from vidcolor.film.credentials import SYNTHETIC_COLOR, Signer
from vidcolor.models.zoo import load_model
from vidcolor.writing.plan import Job


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
    note = "film.mkv: matroska cannot hold content credentials: written next to it, film.colorized"
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
def test_it_is_the_signed_film_that_is_verified(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that signing would have spoiled is not kept, nor the only shot that it has."""
    sign = Signer.sign

    def sign_and_spoil(self: Signer, job: Job, facts: Any, written: Path) -> bytes:
        manifest = sign(self, job, facts, written)
        write_film(written, soft_shot(2, 4), codec="libx264")
        return manifest

    before = set(Path().iterdir())
    monkeypatch.setattr(Signer, "sign", sign_and_spoil)
    assert run("film.mp4", "--verify") == 1
    told = "vidcolor: film.colorized.mp4: verification failed, film not kept (1 of"
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
    assert "already done" in capsys.readouterr().out
    assert main(["film.mp4", "-o", "out/", *FAST]) == 1
    assert "exists already, made with other settings (" in capsys.readouterr().err


@pytest.mark.usefixtures("c2pa")
def test_a_bag_holds_them() -> None:
    """Those beside a film are payload."""
    film("film.mkv")
    assert run("film.mkv", "-o", "bag", "--bagit", "-q") == 0
    assert Path("bag/data/film.colorized.c2pa").is_file()
    assert "data/film.colorized.c2pa" in Path("bag/manifest-sha256.txt").read_text()


def test_two_signings_at_once_leave_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has the library's copy in its own folder, and neither takes the other's for usual."""
    monkeypatch.setenv("TMPDIR", "usual")
    found: list[tuple[str, str]] = []

    def sign(name: str) -> None:
        with credentials._copies_in(tmp_path / name):
            sleep(0.05)
            found.append((str(tmp_path / name), os.environ["TMPDIR"]))

    threads = [Thread(target=sign, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [own == told for own, told in found] == [True, True]
    assert os.environ["TMPDIR"] == "usual"
