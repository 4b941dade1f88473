"""Too little memory is told as that, before the work where it can be known, and saved where not."""

import argparse
import gc
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from clips import moving_luma, picture_bytes, soft_shot, write_film
from forking import end, fork

from vidcolor import colorize_video, memory
from vidcolor.cli.main import main
from vidcolor.cli.parse import as_usage_error, parse_size
from vidcolor.errors import ModelError, OutputError, SourceError, VidcolorError
from vidcolor.memory import (
    LEAST_MEMORY,
    PIXEL_BYTES,
    QUEUE_BYTES,
    frames_ahead,
    is_little,
    usable_memory,
)
from vidcolor.models import transfer
from vidcolor.models.predict import SMALLEST_CPU_BATCH
from vidcolor.models.transfer import read_reference
from vidcolor.models.zoo import Model
from vidcolor.photos.read import read_photograph
from vidcolor.pipeline import run as pipeline
from vidcolor.reading.source import probe
from vidcolor.reels import batch
from vidcolor.reels.failures import explain
from vidcolor.settings import InputSettings, ModelSettings, OutputSettings, Settings
from vidcolor.writing.memory_need import memory_need, refuse_large_frames
from vidcolor.writing.muxer import FilmWriter
from vidcolor.writing.plan import plan_encoding, plan_video

GIGABYTE = 10**9


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no address space")
@pytest.mark.parametrize("kibibytes", [800_000, 1_500_000])
def test_a_small_address_space_is_told_first(tmp_path: Path, kibibytes: int) -> None:
    """One line, before any library fails in words of its own; nothing is left."""
    film = tmp_path / "film.mkv"
    film.write_bytes(b"x")
    command = f"ulimit -v {kibibytes}; exec {sys.executable} -m vidcolor {film}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    gigabytes = kibibytes * 1024 / GIGABYTE
    assert line.startswith(
        f"vidcolor: too little memory: this process may use {gigabytes:.1f} GB (address space"
    )
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.quick
def test_limits_of_control_groups_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beyond them the system kills without a word, so that the smallest counts."""
    monkeypatch.setattr(memory, "address_space", lambda: None)
    for limits, is_enough in (([], True), ([GIGABYTE], True), ([GIGABYTE, GIGABYTE // 2], False)):
        monkeypatch.setattr(memory, "_group_limits", lambda found=limits: iter(found))
        if is_enough:
            memory.prepare_memory()
        else:
            with pytest.raises(VidcolorError, match=r"0\.5 GB \(memory\.max of its control group"):
                memory.prepare_memory()


@pytest.mark.quick
@pytest.mark.parametrize(
    "cause",
    [
        MemoryError(),
        RuntimeError("std::bad_alloc"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("can't start new thread"),
        RuntimeError("could not create a primitive"),
        ImportError("libx.so: failed to map segment from shared object"),
    ],
)
def test_lack_of_memory_is_told_as_such(tmp_path: Path, cause: Exception) -> None:
    """Also behind an error that names another remedy."""
    error = OutputError("film.mkv: libx264 in mp4 failed; try another --codec or -o")
    error.__cause__ = cause
    for one in (cause, error):
        told = str(explain(one, Path("film.mkv"), tmp_path))
        assert told.startswith("film.mkv: not enough memory.")
        assert "--codec" not in told
    told = str(explain(VidcolorError("not enough memory on cpu"), Path("film.mkv"), tmp_path))
    assert told == "film.mkv: not enough memory on cpu"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.quick
@pytest.mark.parametrize(("space", "is_memory"), [(2 * GIGABYTE, True), (None, False)])
def test_an_encoder_that_fails_lacks_memory_where_it_is_scarce(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: int | None, *, is_memory: bool
) -> None:
    """Encoders give no reason; with all addresses that it wants, the codec is to blame."""
    monkeypatch.setattr(memory, "address_space", lambda: space)
    error = OutputError("film.mkv: libx264 in mp4 failed; try another --codec or -o")
    error.__cause__ = av.error.ExternalError(-542398533, "Generic error in an external library")
    told = str(explain(error, Path("film.mkv"), tmp_path))
    assert ("not enough memory" in told, "--codec" in told) == (is_memory, not is_memory)


def test_the_next_reel_takes_less_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Smaller batches by one thread; its film is the same."""
    for name in "ab":
        (tmp_path / "in").mkdir(exist_ok=True)
        write_film(tmp_path / "in" / f"{name}.mkv", soft_shot(1, 6))
    options = ["--device", "cpu", "--render-size", "64", "-q", "-o"]
    assert main([str(tmp_path / "in"), *options, str(tmp_path / "before/")]) == 0
    colorize_job, used = batch.colorize_job, list[Model]()

    def lack(run: object) -> object:
        used.append(run.model)
        if len(used) == 1:
            raise MemoryError
        return colorize_job(run)

    monkeypatch.setattr(batch, "colorize_job", lack)
    assert main([str(tmp_path / "in"), *options, str(tmp_path / "out/")]) == 1
    assert "a.mkv: not enough memory." in capsys.readouterr().err
    assert (used[1].threads, used[1].batch_limit.pictures) == (1, SMALLEST_CPU_BATCH)
    made, before = (tmp_path / place / "b.colorized.mkv" for place in ("out", "before"))
    assert made.read_bytes() == before.read_bytes()


@pytest.mark.quick
@pytest.mark.parametrize(
    ("text", "size"),
    [("4G", 4 * GIGABYTE), ("800m", 800_000_000), ("1.5 GB", 1_500_000_000), ("123456", 123_456)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    """In bytes, or in thousands of them by a letter."""
    assert parse_size(text) == size


@pytest.mark.quick
@pytest.mark.parametrize("text", ["", "G", "-4G", "4 GiB", "four", "nan"])
def test_what_is_no_size_is_bad_usage(text: str) -> None:
    """The text and how to write it are named."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a size; write 4G, 800M"):
        as_usage_error(parse_size)(text)


@pytest.mark.quick
def test_the_smallest_bound_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the machine, its control groups and the user."""
    monkeypatch.setattr(memory, "_group_limits", lambda: iter([3 * GIGABYTE]))
    monkeypatch.setattr(memory, "_machine_memory", lambda: iter([8 * GIGABYTE]))
    assert usable_memory() == 3 * GIGABYTE
    assert usable_memory(GIGABYTE) == GIGABYTE
    assert usable_memory(5 * GIGABYTE) == 3 * GIGABYTE
    assert (is_little(None), is_little(GIGABYTE)) == (False, True)
    with pytest.raises(VidcolorError, match=r"may use 0\.5 GB \(--memory-limit\)"):
        memory.prepare_memory(GIGABYTE // 2)


@pytest.mark.quick
def test_fewer_large_frames_wait() -> None:
    """A queue takes an eighth of what is free, or has one frame."""
    free = LEAST_MEMORY + 8_000_000
    assert frames_ahead(16, 100_000, free) == 10
    assert frames_ahead(16, 10_000, free) == 16
    assert frames_ahead(16, 5_000_000, free) == 1
    assert frames_ahead(16, QUEUE_BYTES // 20, None) == 16
    assert frames_ahead(16, QUEUE_BYTES // 4, 10**12) == 4  # however much there is


def test_frames_that_do_not_fit_are_refused_before_the_work(tmp_path: Path) -> None:
    """One line says the size, the need, what may be used, and what takes less."""
    path = write_film(tmp_path / "film.mkv", moving_luma(100, 320, 240))
    source = probe(path)
    lossy = plan_encoding(source, OutputSettings(codec="libx264"), output=tmp_path / "o.mp4")
    lossless = plan_encoding(source, OutputSettings(lossless=True), output=tmp_path / "o.mkv")
    need, least = memory_need(source, lossy), memory_need(source, lossless)
    assert LEAST_MEMORY < least < need
    refuse_large_frames(source, lossy, need)
    with pytest.raises(SourceError) as refused:
        refuse_large_frames(source, lossy, need - 1)
    gigabytes = f"{need / GIGABYTE:.1f} GB"
    assert str(refused.value) == (
        f"{path}: its frames of 320x240 need {gigabytes} of memory with libx264, and {gigabytes} "
        "may be used; use --lossless, whose encoder takes less, scale it down, or see "
        "--memory-limit"
    )
    with pytest.raises(SourceError, match=r"need .* with ffv1, and .* may be used; scale it down"):
        plan_video(
            path, None, Settings(output=OutputSettings(lossless=True), memory_limit=least - 1)
        )


@pytest.mark.parametrize(
    ("suffix", "pixel_format"), [(".png", "gray"), (".tif", "gray"), (".dpx", "rgb24")]
)
def test_a_picture_that_does_not_fit_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, pixel_format: str
) -> None:
    """A file of some kilobytes may hold many millions of pixels."""
    picture = np.zeros((300, 400, 3) if pixel_format == "rgb24" else (300, 400), np.uint8)
    (tmp_path / f"1{suffix}").write_bytes(picture_bytes(picture, pixel_format, suffix))
    settings = InputSettings(fps=Fraction(24))
    limit = LEAST_MEMORY + PIXEL_BYTES * 120_000
    pattern = tmp_path / f"%d{suffix}"
    assert probe(pattern, settings, memory_limit=limit).picture.width == 400
    decoded = list[object]()
    monkeypatch.setattr("vidcolor.reading.source.format_of", lambda *found: decoded.append(found))
    with pytest.raises(SourceError, match=r"its pictures of 400x300 need 0\.7 GB of memory"):
        probe(pattern, settings, memory_limit=limit - PIXEL_BYTES)
    assert not decoded


def write_bomb(path: Path, side: int) -> None:
    """A PNG of RGB and alpha of 16 bits, 8 bytes a pixel, of which its file has few."""
    rows = zlib.compress(bytes(side * (8 * side + 1)), 1)
    header = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, data in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(data)) + name + data)
        parts.append(struct.pack(">I", zlib.crc32(name + data)))
    path.write_bytes(b"".join(parts))


def refuse(pattern: Path, limit: int) -> None:
    """Refuse a bomb, or exit with by how many megabytes the process grew."""
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SourceError, match="its pictures of 4000x4000 need"):
        probe(pattern, InputSettings(fps=Fraction(24)), memory_limit=limit)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    sys.exit(grown if grown > 50 else 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere sizes have other units")
def test_no_library_decodes_an_image_that_does_not_fit(tmp_path: Path) -> None:
    """Neither FFmpeg, nor Pillow for the words behind its samples: 122 MB stay packed."""
    write_bomb(tmp_path / "1.png", 4000)
    limit = LEAST_MEMORY + PIXEL_BYTES * 4_000_000
    assert end(fork(refuse, tmp_path / "%d.png", limit)) == 0


def test_a_photograph_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """By its header."""
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), np.zeros((300, 400), np.uint8))
    assert read_photograph(path, LEAST_MEMORY + 30 * 120_000).luma.shape == (300, 400)
    with pytest.raises(SourceError, match=r"photo\.png: 400x300 pixels need 0\.7 GB of memory"):
        read_photograph(path, LEAST_MEMORY + 30 * 120_000 - 1)


def test_a_large_reference_is_read_small_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A JPEG is decoded at half its sides or less and has the same colors; others are refused."""
    picture = cv2.resize(
        np.random.default_rng(0).uniform(0, 255, (6, 8, 3)).astype(np.float32), (400, 304)
    ).astype(np.uint8)
    for name in ("r.jpg", "r.png"):
        cv2.imwrite(str(tmp_path / name), picture)
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    cv2.imwrite(str(tmp_path / "p.jpg"), picture, progressive)
    whole, _ = read_reference(tmp_path / "r.jpg")
    monkeypatch.setattr(transfer, "_MOST_PIXELS", 400 * 304 // 4)
    small, _ = read_reference(tmp_path / "r.jpg")
    assert small.shape == (3, 152, 200)
    shrunk = torch.nn.functional.avg_pool2d(whole[None], 2)[0]
    assert (small - shrunk).abs().mean() < 1
    for name in ("r.png", "p.jpg"):
        with pytest.raises(ModelError, match=rf"{name}: has 400x304 pixels, and a reference may"):
            read_reference(tmp_path / name)
    monkeypatch.setattr(transfer, "_MOST_PIXELS", 100)
    with pytest.raises(ModelError, match=r"r\.jpg: has 400x304 pixels"):
        read_reference(tmp_path / "r.jpg")


def test_little_memory_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer frames wait and the network gets fewer at once; the film is the same."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 12))
    model = ModelSettings(device="cpu", render_size=64)
    colorize_video(film, tmp_path / "a.mkv", Settings(model=model))
    depths = list[int]()

    def noted(*arguments: int) -> int:
        depths.append(frames_ahead(*arguments))
        return depths[-1]

    monkeypatch.setattr(pipeline, "frames_ahead", noted)
    monkeypatch.setattr("vidcolor.film.colorize.plan_video", plan_without_limit)
    limit = LEAST_MEMORY + 8 * 3 * 96 * 64 * 3 // 2
    colorize_video(film, tmp_path / "b.mkv", Settings(model=model, memory_limit=limit))
    assert depths == [3, 3, 2]  # a colored frame holds chroma as well
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_no_encoder_of_the_trial_is_left_while_frames_are_colored(tmp_path: Path) -> None:
    """The film is begun once for a trial: its writer, whose encoder is large, is gone after it."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 4))
    writers: list[bool] = []

    def look(*_: int) -> None:
        writers.append(any(isinstance(one, FilmWriter) for one in gc.get_objects()))

    model = ModelSettings(device="cpu", render_size=64)
    colorize_video(film, tmp_path / "a.mkv", Settings(model=model), progress=look)
    assert writers
    assert not any(writers)


def plan_without_limit(source: Path, output: Path, settings: Settings):  # noqa: ANN201
    """The plan of a film that would be refused for its frames."""
    job = plan_video(source, output, replace(settings, memory_limit=None))
    return replace(job, settings=replace(job.settings, memory_limit=settings.memory_limit))
