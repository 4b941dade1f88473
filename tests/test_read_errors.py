import errno
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
import pytest
from clips import Extras, moving_luma, soft_shot, write_film, write_series

from vidcolor import colorize_video
from vidcolor.errors import SourceError, SourceGoneError
from vidcolor.film import coloring
from vidcolor.film.source_digest import find_stamp
from vidcolor.reading import open_file, open_sequence
from vidcolor.reading.open_file import BLOCK_BYTES, Access, SourceFile
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import Source, open_container, probe
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import InputSettings, ModelSettings, Settings
from vidcolor.writing.stream_hashes import hash_copied

SETTINGS = Settings(model=ModelSettings(device="cpu", render_size=64))
ACCEPTING = InputSettings(accept_losses=True)
PLACES = 20
FRAMES = 30
KINDS = {
    ".mkv": ("ffv1", "aac"), ".mp4": ("libx264", "aac"), ".ts": ("libx264", "aac"),
    ".mpg": ("mpeg2video", "mp2"),
}  # fmt: skip

Fail = Callable[[int], None]


class FailingFile:
    """A file whose disk does not give one byte back."""

    def __init__(self, path: Path, place: int, number: int | None) -> None:
        self._file = path.open("rb", buffering=0)
        self._place, self._number = place, number

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def read(self, size: int) -> bytes:
        """Bytes up to the place; there an error, or the end."""
        at = self._file.tell()
        if at <= self._place < at + size:
            if at < self._place:
                return self._file.read(self._place - at)
            if self._number is None:
                return b""
            raise OSError(self._number, "Input/output error")
        return self._file.read(size)


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Lets one byte of every file that is opened from here on not be read; hashing goes well."""

    def failing(place: int, number: int | None = errno.EIO) -> None:
        class Failing(SourceFile):
            def __init__(self: Self, path: Path, access: Access) -> None:
                super().__init__(path, access)
                self._file.close()
                self._file = FailingFile(path, place, number)

        for module in (open_file, open_sequence):
            monkeypatch.setattr(module, "SourceFile", Failing)

    return failing


def film_of(folder: Path, suffix: str) -> Path:
    """A film with sound."""
    codec, sound = KINDS[suffix]
    options = {"g": "5", "bf": "0"}
    luma = moving_luma(FRAMES, 160, 96)
    path = folder / f"film{suffix}"
    return write_film(path, luma, codec=codec, options=options, extras=Extras(audio=[sound]))


def read_all(source: Source) -> tuple[list[bytes], dict[str, str], Damage]:
    """All that is read of a film: its luma, a hash of each other stream, and what was lost."""
    losses = Damage()
    luma = [frame.luma.tobytes() for frame in read_frames(source, losses)]
    return luma, hash_copied(source, "matroska"), losses


@pytest.mark.parametrize("number", [errno.EIO, None], ids=["error", "early end"])
@pytest.mark.parametrize("suffix", KINDS)
def test_no_film_is_shorter_because_its_disk_fails(
    tmp_path: Path, fail: Fail, suffix: str, number: int | None
) -> None:
    """An error at any place ends in one line, unless nothing of the film lies there."""
    path = film_of(tmp_path, suffix)
    luma, streams, _ = read_all(probe(path))
    size = path.stat().st_size
    failed = 0
    for place in np.linspace(0, size - 1, PLACES).astype(int):
        fail(int(place), number)
        try:
            found = read_all(probe(path))
        except SourceError as error:
            told = str(error)
            failed += 1
        else:
            assert found[:2] == (luma, streams)
            continue
        assert told.startswith(f"{path}: cannot be read to its end")
    assert failed > PLACES // 2


@pytest.mark.parametrize("suffix", KINDS)
def test_accepted_losses_are_counted(tmp_path: Path, fail: Fail, suffix: str) -> None:
    """With leave, what lies behind the place is read as well, and the place is counted."""
    path = film_of(tmp_path, suffix)
    fail(path.stat().st_size * 3 // 5)
    source = probe(path, ACCEPTING)
    luma, _, losses = read_all(source)
    assert losses.unread == 1
    assert "1 place cannot be read" in str(losses)
    assert len(luma) > FRAMES * 3 // 5 + 1


def test_a_block_that_cannot_be_read_is_zeros(tmp_path: Path, fail: Fail) -> None:
    """All around it is as it was."""
    data = bytes(range(1, 256)) * 100
    path = tmp_path / "file"
    path.write_bytes(data)
    fail(9000)
    unread: set[tuple[str, int]] = set()
    with open_file.SourceFile(path, Access(unread=unread)) as file:
        found = b"".join(iter(lambda: file.read(5000), b""))
    end = 3 * BLOCK_BYTES
    assert found == data[:9000] + bytes(end - 9000) + data[end:]
    assert unread == {(str(path), 2)}


def test_a_picture_that_cannot_be_read_is_an_error(tmp_path: Path, fail: Fail) -> None:
    """The same of images, each of which is a file."""
    pattern = tmp_path / "reel" / "%04d.dpx"
    write_series(pattern, moving_luma(4), "gray")
    settings = InputSettings(fps=Fraction(24))
    source = probe(pattern, settings)
    lossy = probe(pattern, replace(settings, accept_losses=True))
    fail(3000)
    with pytest.raises(SourceError, match=r"0000\.dpx: cannot be read to its end \(Input"):
        list(read_frames(source, Damage()))
    losses = Damage()
    list(read_frames(lossy, losses))
    assert losses.unread == 4


def test_what_was_lost_stands_beside_the_film(tmp_path: Path, fail: Fail) -> None:
    """The film is refused first, and made with leave; its sidecar says what it lacks."""
    path = film_of(tmp_path, ".mkv")
    output = tmp_path / "out.mkv"
    fail(path.stat().st_size * 3 // 5)
    with pytest.raises(SourceError, match="cannot be read to its end"):
        colorize_video(path, output, SETTINGS)
    assert not output.exists()
    result = colorize_video(path, output, replace(SETTINGS, input=ACCEPTING))
    assert result.losses.unread == 1
    assert "1 place cannot be read" in str(read_sidecar(tmp_path / "out.json")["losses"])


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A reel in pictures."""
    pattern = tmp_path / "reel" / "s%04d.tif"
    write_series(pattern, soft_shot(1, 6), "gray")
    return pattern


def swap(first: Path, second: Path) -> None:
    """Give two files each other's name."""
    aside = first.with_name("aside")
    first.rename(aside)
    second.rename(first)
    aside.rename(second)


@pytest.mark.parametrize("fate", ["more behind", "more before", "swapped"])
def test_a_reel_of_images_that_changes_is_no_film(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    """Images that come, or change places, while the others are read are noticed."""
    settings = replace(SETTINGS, input=InputSettings(fps=Fraction(18)))
    first, *_, last = sorted(scans.parent.iterdir())
    read_job = coloring.read_job

    def meddled(*args):  # noqa: ANN002, ANN202
        for frame in read_job(*args):
            if frame.index == 3 and fate == "swapped":
                swap(first, last)
            elif frame.index == 3:
                number = 6 if fate == "more behind" else 10
                for new in range(number, number + 2):
                    (scans.parent / (scans.name % new)).write_bytes(first.read_bytes())
            yield frame

    monkeypatch.setattr(coloring, "read_job", meddled)
    told = "changed" if fate == "swapped" else "2 images were added"
    with pytest.raises(SourceGoneError, match=f"{told} while it was read; run again"):
        colorize_video(scans, tmp_path / "out.mkv", settings)
    assert not (tmp_path / "out.mkv").exists()


def test_a_file_is_known_by_more_than_its_time(scans: Path) -> None:
    """Names that change places, and bytes that change while size and time stay, are noticed."""
    files = sorted(scans.parent.iterdir())
    before = find_stamp(files)
    assert find_stamp(files) == before
    swap(files[1], files[2])
    assert find_stamp(files) != before
    swap(files[1], files[2])
    assert find_stamp(files) == before
    with files[3].open("r+b") as file:
        file.write(b"other")
    os.utime(files[3], ns=(files[2].stat().st_mtime_ns,) * 2)
    assert find_stamp(files) != before


def playlist(folder: Path, name: str) -> Path:
    """A playlist of one segment."""
    path = folder / "list.m3u8"
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\n"
    path.write_text(f"{head}{name}\n#EXT-X-ENDLIST\n")
    return path


def test_playlists_stay_in_their_folder(tmp_path: Path) -> None:
    """A playlist names what lies beside it; other files are opened with leave only."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    for folder in (inside, outside):
        write_film(folder / "a.ts", moving_luma(FRAMES), codec="libx264")
    assert len(list(read_frames(probe(playlist(inside, "a.ts")), Damage()))) == FRAMES
    for name in ("../out/a.ts", str(outside / "a.ts")):
        with pytest.raises(SourceError, match=r"list\.m3u8: names a file outside of its folder"):
            probe(playlist(inside, name))
        leave = InputSettings(follow_playlists=True)
        assert probe(playlist(inside, name), leave).codec == "h264"
    with pytest.raises(SourceError, match=r"names a file that cannot be opened .*b\.ts"):
        probe(playlist(inside, "b.ts"))


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile ../out/a.ts\n",
        "ffconcat version 1.0\nfile /etc/hostname\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9999 RTP/AVP 96\n",
    ],
    ids=["above", "absolute", "network"],
)
def test_other_lists_open_nothing_outside(tmp_path: Path, text: str) -> None:
    """Lists of other kinds are one line as well, also those that would ask a network."""
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"list\.txt: "):
        probe(path)


def test_a_read_that_is_broken_off_is_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyAV hands on no Ctrl-C from a file of ours: without an error the film would end there."""
    path = film_of(tmp_path, ".mkv")
    source = probe(path)
    reads, read = list[int](), SourceFile._read

    def interrupted(self: SourceFile, size: int) -> bytes:
        reads.append(size)
        if len(reads) == 3:
            raise KeyboardInterrupt
        return read(self, size)

    monkeypatch.setattr(SourceFile, "_read", interrupted)
    monkeypatch.setattr(open_file, "_BUFFER_BYTES", 1 << 15)
    with pytest.raises(SourceError, match=r"film\.mkv: reading it was stopped; run again"):
        read_all(source)


def test_files_close_with_their_container(tmp_path: Path) -> None:
    """No file stays open behind a film."""
    path = film_of(tmp_path, ".mkv")
    with open_container(path) as container:
        file = container._file
        assert isinstance(container.streams.video[0], av.VideoStream)
    assert file._file.closed


def test_a_film_that_leads_nowhere_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A damaged header sends FFmpeg to places that no file has; PyAV says nothing of its own."""
    film = write_film(tmp_path / "film.wmv", moving_luma(4), codec="wmv2")
    data = bytearray(film.read_bytes())
    for place in range(46, 60):
        data[place] = 0x7F
        film.write_bytes(data)
        with suppress(SourceError), SourceFile(film, Access()) as file:
            assert file.seek(-1) < 0
            probe(film)
    assert capfd.readouterr() == ("", "")
