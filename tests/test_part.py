"""A part of a film, by seconds, frames and timecode."""

from fractions import Fraction
from pathlib import Path

import pytest
from clips import Extras, moving_luma, write_film

from vidcolor.errors import SettingError, SourceError
from vidcolor.reading.part import settle_part
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import Source, probe
from vidcolor.settings import Settings
from vidcolor.spans import Moment, Part

FILM = Fraction(1, 24)
FRAMES = 24
UNEVEN = [0, 1, 2, 10, 11, 20, 30, 31, 32, 33, 50, 51]


def part(start: str = "", end: str = "", duration: str = "") -> Part:
    """The part that these options ask for."""
    moments = (Moment.parse(text) if text else None for text in (start, end, duration))
    return Part(**dict(zip(("start", "end", "duration"), moments, strict=True)))


def frames_of(source: Source, wanted: Part) -> list[int]:
    """The frames of a part, numbered as in the whole film; their luma tells."""
    settled = settle_part(Settings(part=wanted), source)
    whole = [frame.luma.tobytes() for frame in read_frames(source, Damage())]
    read = read_frames(
        source,
        Damage(),
        start_seconds=settled.start_seconds,
        duration_seconds=settled.duration_seconds,
    )
    return [whole.index(frame.luma.tobytes()) for frame in read]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    """Matroska rounds the times of one; one has B-frames and timecode; one has uneven times."""
    folder = tmp_path_factory.mktemp("films")
    luma, tagged = moving_luma(FRAMES, 64, 48), {"timecode": "10:00:00:00"}
    rounded = write_film(folder / "rounded.mkv", luma, time_base=FILM)
    coded = write_film(
        folder / "coded.mov", luma, codec="libx264", time_base=FILM,
        options={"bf": "3", "preset": "medium"}, extras=Extras(video_metadata=tagged),
    )  # fmt: skip
    uneven = write_film(folder / "uneven.mkv", luma[: len(UNEVEN)], pts=UNEVEN, time_base=FILM)
    return {path.stem: probe(path) for path in (rounded, coded, uneven)}


@pytest.mark.parametrize(
    ("film", "wanted", "frames"),
    [
        ("rounded", part("7f", "9f"), [7, 8]),
        ("rounded", part("1f", duration="3f"), [1, 2, 3]),
        ("rounded", part("00:00:00:05", "00:00:00:07"), [5, 6]),
        ("rounded", part("20f"), [20, 21, 22, 23]),
        ("rounded", part("20f", duration="9f"), [20, 21, 22, 23]),
        ("rounded", part(end="0.125"), [0, 1, 2]),
        ("coded", part("7f", "9f"), [7, 8]),
        ("coded", part("10:00:00:07", "10:00:00:09"), [7, 8]),
        ("coded", part("10:00:00:20", duration="00:00:00:02"), [20, 21]),
        ("coded", part("0.5s", duration="2f"), [12, 13]),
        ("uneven", part("3f", "5f"), [3, 4]),
        ("uneven", part("5f", duration="2f"), [5, 6]),
        ("uneven", part("00:00:00:15", "00:00:01:06"), [4, 5]),
    ],
)
def test_a_part_has_the_frames_asked_for(
    films: dict[str, Source], film: str, wanted: Part, frames: list[int]
) -> None:
    """Though its times are rounded, its packets reordered, or its frames unevenly spaced."""
    assert frames_of(films[film], wanted) == frames


@pytest.mark.parametrize(
    ("film", "wanted", "fault"),
    [
        ("coded", part("24f"), "--start 24f: the film ends before; start earlier"),
        ("coded", part("09:59:59:23"), "the film begins later, at 10:00:00:00"),
        ("coded", part("10:00:00:24"), "no such timecode at 24 frames/s; write HH:MM:SS:FF"),
        ("coded", part("0.5", "12f"), "--end 12f is not after --start 0.5; name a later --end"),
    ],
)
def test_a_part_that_is_none_is_one_line(
    films: dict[str, Source], film: str, wanted: Part, fault: str
) -> None:
    """It names the film, the option and what to do."""
    with pytest.raises(SourceError) as raised:
        settle_part(Settings(part=wanted), films[film])
    assert str(raised.value).startswith(str(films[film].path))
    assert fault in str(raised.value)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("settings", "label"),
    [
        (Settings(), ""),
        (Settings(part=part("90", "120.5")), "90s-120.5s"),
        (Settings(part=part("1:30")), "1.30-end"),
        (Settings(part=part("2160f", duration="48f")), "2160f+48f"),
        (Settings(part=part("10:00:12;05")), "10.00.12,05-end"),
        (Settings(start_seconds=Fraction(1, 3)), "0.333333333s-end"),
        (Settings(duration_seconds=Fraction(2)), "0s+2s"),
    ],
)
def test_the_name_of_a_part_says_which(settings: Settings, label: str) -> None:
    """No colon, which Windows refuses; nothing for the whole film."""
    assert settings.part_label() == label


@pytest.mark.quick
@pytest.mark.parametrize(
    "given", [{"start_seconds": -1}, {"duration_seconds": 0}, {"force": 1}, {"start_seconds": "2"}]
)
def test_settings_of_a_part_are_checked(given: dict) -> None:
    """In Python as on the command line."""
    with pytest.raises(SettingError, match=next(iter(given))):
        Settings(**given)


def test_a_part_leaves_the_films_name_free(tmp_path: Path) -> None:
    """So that the whole film can be colorized after a trial."""
    from vidcolor.writing.plan import plan_video

    film = write_film(tmp_path / "film.mkv", moving_luma(4, 64, 48))
    planned = [plan_video(film, None, Settings(part=wanted)) for wanted in (Part(), part("2f"))]
    names = [job.encoding.path.name for job in planned]
    assert names == ["film.colorized.mkv", "film.2f-end.colorized.mkv"]
    assert planned[1].settings.start_seconds == Fraction(2, 25)
    assert planned[1].settings.part == Part()
