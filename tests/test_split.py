"""`--on-change split`: a film for each kind of frames, nothing of the source lost between them."""

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import ask_ffprobe, needs_ffmpeg

from vidcolor import colorize_video
from vidcolor.errors import OutputError, SettingError
from vidcolor.reels.api import colorize_reels
from vidcolor.reels.find import Reel
from vidcolor.reels.ledger import read_ledger
from vidcolor.reels.plan import plan_reels
from vidcolor.reels.result import ReelResult
from vidcolor.reels.split import PartLists, split_reels
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.spans import Moment, Part

FRAMES = 12
SPLIT = Settings(
    force=True,
    model=ModelSettings(device="cpu", render_size=64),
    output=OutputSettings(on_change="split", verify=True),
)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A transport stream of three parts of 12 frames with sound, which grows and then widens."""
    parts, length = [], FRAMES / 25
    for number, (size, shape) in enumerate((("96x64", 1), ("128x80", 1), ("128x80", 2))):
        one = tmp_path / f"part{number}.ts"
        sides = ["-f", "lavfi", "-i"]
        subprocess.run(
            ["ffmpeg", "-v", "error", *sides, f"testsrc2=s={size}:r=25:d={length}", *sides,
             f"sine=f={300 + 90 * number}:r=48000:d={length}", "-vf", f"hue=s=0,setsar={shape}",
             "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a",
             "mp2", "-threads", "1", "-output_ts_offset", str(1 + number * length),
             "-muxdelay", "0", str(one)],
            check=True,
        )  # fmt: skip
        parts.append(one.read_bytes())
    path = tmp_path / "reel.ts"
    path.write_bytes(b"".join(parts))
    return path


def sound(path: Path) -> list[bytes]:
    """The packets of a film's sound."""
    with av.open(str(path)) as opened:
        return [bytes(packet) for packet in opened.demux(audio=0) if packet.size]


def sizes(path: Path) -> list[tuple[object, ...]]:
    """Of each frame, with the shape of its pixels."""
    names = ("width", "height", "sample_aspect_ratio")
    show = ["-select_streams", "v", "-show_frames", "-show_entries", f"frame={','.join(names)}"]
    return [tuple(one.get(name) for name in names) for one in ask_ffprobe(path, *show)["frames"]]


@needs_ffmpeg
def test_a_split_film_has_all_frames_and_packets_once(film: Path, tmp_path: Path) -> None:
    """Each frame has its size and shape; a list joins the parts; the ledger knows each."""
    labels = ["0f-12f", "12f-24f", "24f-end"]
    plans = list(plan_reels([film], None, SPLIT))
    assert [plan.notes[0] for plan in plans] == [
        "part 1 of 3",
        "part 2 of 3, as frame 12 (0.480 s) changes from 96x64 yuv420p to 128x80 yuv420p",
        "part 3 of 3, as frame 24 (0.960 s) changes pixel aspect from 1:1 to 2:1",
    ]
    out = tmp_path / "out"
    results = list(colorize_reels([film], out, SPLIT))
    assert [(result.error, result.part) for result in results] == [(None, one) for one in labels]
    made = [out / f"reel.{label}.colorized.ts" for label in labels]
    assert [result.film for result in results] == made
    assert [one for path in made for one in sizes(path)] == sizes(film)
    assert [one for path in made for one in sound(path)] == sound(film)
    joined = out / "reel.colorized.ffconcat"
    names = "".join(f"file '{path.name}'\n" for path in made)
    assert joined.read_text() == f"ffconcat version 1.0\n{names}"
    assert results[-1].parts_list == joined
    with av.open(str(made[0])) as first, av.open(str(film)) as source:
        assert abs(first.start_time - source.start_time) < 20_000  # microseconds
    told = read_ledger(out)
    assert [(one.path.name, one.state) for one in told] == [
        (f"reel.ts [{label}]", "done") for label in labels
    ]
    joined.unlink()
    for path in (made[1], made[1].with_suffix(".json")):
        path.unlink()
    again = list(colorize_reels([film], out, SPLIT))
    assert [one.state for one in again] == ["already done", "done", "already done"]
    assert joined.exists()


@needs_ffmpeg
def test_what_cannot_be_split_is_one_film(film: Path, tmp_path: Path) -> None:
    """A film without changes, or one that cannot be read, goes its usual way; parts are refused."""
    plain, broken = tmp_path / "part0.ts", tmp_path / "broken.ts"
    broken.write_bytes(b"no film")
    reels = [Reel(path=plain), Reel(path=broken)]
    assert split_reels(reels, SPLIT) == reels
    assert split_reels([Reel(path=film)], Settings()) == [Reel(path=film)]
    with pytest.raises(SettingError, match="whole films; leave out --start"):
        split_reels(reels, replace(SPLIT, start_seconds=Fraction(1)))
    with pytest.raises(SettingError, match="leave out --bagit"):
        split_reels(reels, SPLIT, bag=True)
    with pytest.raises(SettingError, match="use colorize_reels"):
        colorize_video(plain, settings=SPLIT)


def reel(start: str, end: str | None, path: Path = Path("it's.mkv")) -> Reel:
    """A part of a film."""
    last = None if end is None else Moment.parse(end)
    return Reel(path=path, part=Part(start=Moment.parse(start), end=last))


@pytest.mark.quick
def test_a_list_is_written_when_the_last_part_is_there(tmp_path: Path) -> None:
    """In whatever order parts end; another list in its place is not overwritten."""
    parts = [reel("0f", "5f"), reel("5f", None)]
    made = [tmp_path / f"it's.{part.part.label()}.colorized.mkv" for part in parts]
    for path in made:
        path.touch()
    results = [
        ReelResult(source=part.path, part=part.part.label(), state="already done", made=path)
        for part, path in zip(parts, made, strict=True)
    ]
    lists = PartLists(parts, overwrite=False)
    assert lists.add(replace(results[1], state="failed")) is None
    assert lists.add(results[1]) is None
    assert lists.add(ReelResult(source=Path("other.mkv"), state="already done")) is None
    joined = lists.add(results[0])
    assert joined == tmp_path / "it's.colorized.ffconcat"
    assert joined.read_text().splitlines()[1:] == [
        rf"file 'it'\''s.{label}.colorized.mkv'" for label in ("0f-5f", "5f-end")
    ]
    joined.write_text("mine")
    with pytest.raises(OutputError, match="exists already, of other films"):
        lists.add(results[0])
    assert PartLists(parts, overwrite=True).add(results[0]) is None
    assert joined.read_text() == "mine"


@pytest.mark.quick
def test_lists_of_two_films_of_one_stem_do_not_meet(tmp_path: Path) -> None:
    """The second one's has its whole name; each is found again."""
    found = []
    for suffix in ("mkv", "mp4", "mkv", "mp4"):
        part = reel("0f", None, Path(f"x.{suffix}"))
        made = tmp_path / f"x.{part.part.label()}.colorized.{suffix}"
        made.touch()
        result = ReelResult(
            source=part.path, part=part.part.label(), state="already done", made=made
        )
        found.append(PartLists([part], overwrite=False).add(result))
    names = ["x.colorized.ffconcat", "x.colorized.mp4.ffconcat"]
    assert found == [tmp_path / name for name in names * 2]


@pytest.mark.quick
def test_a_part_of_a_named_film_has_a_name_of_its_own() -> None:
    """As has its entry in a ledger."""
    part = reel("5f", None)
    assert part.named(Path("a/x.mkv")) == Path("a/x.5f-end.mkv")
    assert part.named(None) is None
    assert part.entry == Path("it's.mkv [5f-end]")
    assert Reel(path=part.path).named(Path("x.mkv")) == Path("x.mkv")
