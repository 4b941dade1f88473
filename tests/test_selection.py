from fractions import Fraction

import pytest

from vidcolor.dump.stages import STAGES, parse_stages
from vidcolor.errors import SourceError
from vidcolor.spans import FrameSelection, Span
from vidcolor.timecode import Timecode

NTSC = Fraction(30000, 1001)


def spans(text: str, rate: Fraction = Fraction(25), start: str | None = None) -> tuple[Span, ...]:
    """The frames that `text` means in a film."""
    return FrameSelection.parse(text).resolve(rate, start)


def chosen(
    text: str, rate: Fraction = Fraction(25), start: str | None = None, frames: int = 2000
) -> list[int]:
    """The numbers that `text` means in a film of constant rate."""
    found = spans(text, rate, start)
    return [
        number
        for number in range(frames)
        if any(span.holds(number, number / rate, (number + 1) / rate) for span in found)
    ]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("17", [17]),
        ("0", [0]),
        ("7-9, 3", [3, 7, 8, 9]),
        ("5-5", [5]),
        ("2s", [50]),
        ("2.05s", [51]),
        ("2.0799s-2.12s", [51, 52, 53]),
        ("1:02.5", [1562]),
        ("0:01:02.52", [1563]),
        ("00:00:02:03", [53]),
        ("00:00:02:24-00:00:03:01", [74, 75, 76]),
    ],
)
def test_frames_are_chosen_by_number_time_and_timecode(text: str, numbers: list[int]) -> None:
    """A number is itself, a time the frame on screen then, a timecode the frame it counts."""
    assert chosen(text) == numbers


@pytest.mark.parametrize("number", [0, 1, 29, 30, 1799, 1800, 1801])
def test_a_timecode_means_its_frame_at_every_rate(number: int) -> None:
    """Counting from 00:00:00:00 without drops, the n-th timecode is the n-th frame."""
    text = f"00:{number // 1800:02}:{number // 30 % 60:02}:{number % 30:02}"
    assert chosen(text, NTSC) == [number]


def test_rounded_times_do_not_move_a_timecode() -> None:
    """Where the container rounds times to milliseconds, a timecode still means its frame."""
    for number in range(1, 300):
        (span,) = spans(f"00:00:{number // 30:02}:{number % 30:02}", NTSC)
        starts = [Fraction(round(1000 * n / NTSC), 1000) for n in (number - 1, number, number + 1)]
        assert span.holds(number, starts[1], starts[2])
        assert not span.holds(number - 1, starts[0], starts[1])


@pytest.mark.parametrize(
    ("text", "count"),
    [  # SMPTE ST 12-1: 2 numbers are dropped each minute, except each tenth
        ("00:00:59;29", 1799),
        ("00:01:00;02", 1800),
        ("00:09:59;29", 17981),
        ("00:10:00;00", 17982),
        ("01:00:00;00", 107892),
        ("01:00:00:00", 108000),
    ],
)
def test_drop_frame_timecode_skips_numbers(text: str, count: int) -> None:
    """With drops an hour of 29.97 frames a second has 107,892 of them."""
    timecode = Timecode.parse(text)
    assert timecode is not None
    assert timecode.count(NTSC) == count
    assert timecode.text() == text


def test_timecodes_count_from_the_films_first() -> None:
    """A film that begins at 10:00:00:00 has its frame 55 at 10:00:02:05; drops are the film's."""
    assert chosen("10:00:02:05", start="10:00:00:00") == [55]
    assert chosen("01:00:59:29-01:01:00:02", NTSC, "01:00:00;00") == [1799, 1800]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("09:59:59:24", "the film begins later, at 10:00:00:00"),
        ("10:00:00:25", "no such timecode at 25 frames/s; write HH:MM:SS:FF"),
        ("10:60:00:00", "no such timecode at 25 frames/s"),
    ],
)
def test_a_timecode_that_the_film_has_not(text: str, fault: str) -> None:
    """Timecodes before the film's first and impossible ones are refused by name."""
    with pytest.raises(SourceError, match=fault) as caught:
        spans(text, start="10:00:00:00")
    assert str(caught.value).startswith(f"--dump-frames {text}: ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "'' is not a frame; write 1734, 57.8s"),
        ("abc", "'abc' is not a frame"),
        ("-5", "'-5' is not a frame"),
        ("5-", "'5-' is not a frame"),
        ("1,,2", "'' is not a frame"),
        ("1.5", "'1.5' is not a frame"),
        ("9-7", "'9-7' ends before it begins"),
        ("2s-1.9s", "ends before it begins"),
        ("00:00:02:00-00:00:01:24", "ends before it begins"),
        ("7-2s", "'7-2s' begins and ends in different units"),
        ("7-00:00:01:24", "different units"),
    ],
)
def test_what_is_no_selection_is_told(text: str, fault: str) -> None:
    """Ranges that run backwards, mixed units and other words are errors that quote them."""
    with pytest.raises(ValueError, match=fault):
        FrameSelection.parse(text)


def test_a_selection_is_shown_as_it_was_written() -> None:
    """Its text is that of its spans."""
    assert str(FrameSelection.parse("7-9, 2s,00:00:01:24")) == "7-9,2s,00:00:01:24"


def test_stages_come_in_their_order() -> None:
    """Named stages are put in the order of the pipeline; all names are known."""
    assert parse_stages("final, net") == ("net", "final")
    assert parse_stages(",".join(reversed(STAGES))) == STAGES
    with pytest.raises(
        ValueError, match="'colour' is not a stage; choose from luma, lightness, net"
    ):
        parse_stages("net,colour")


@pytest.mark.parametrize(
    ("text", "rate"), [("23:58:58;28", NTSC), ("00:00:00;00", Fraction(60000, 1001)),
                       ("09:59:59:23", Fraction(24000, 1001)), ("10:00:00:00", Fraction(18))]
)  # fmt: skip
def test_timecodes_follow_each_other(text: str, rate: Fraction) -> None:
    """The timecode n frames later is the one that counts n more, around midnight too."""
    start = Timecode.parse(text)
    assert start is not None
    day = Timecode(23, 59, 59, round(rate) - 1, drops=start.drops).count(rate) + 1
    for frames in [*range(2000), 17981, 17982, 17983, 1_000_003]:
        later = start.after(frames, rate)
        assert later.count(rate) == (start.count(rate) + frames) % day
        assert Timecode.parse(later.text()) == later
        if later.drops and later.minutes % 10 and not later.seconds:
            assert later.frames >= round(rate) // 15
