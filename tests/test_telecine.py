from pathlib import Path

import numpy as np
import pytest
from clips import FORMATS, soft_shot, write_film

from vidcolor.cli.main import main
from vidcolor.reading.source import probe
from vidcolor.reading.telecine import is_telecined


def pulled_down(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Film as 3:2 pulldown: of A B C D come A, B, B+C, C+D, D by their fields."""
    made = []
    for a, b, c, d in zip(*[iter(frames)] * 4, strict=True):
        made += [a, b, woven(b, c), woven(c, d), d]
    return made


def woven(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """One field of each."""
    frame = top.copy()
    frame[1::2] = bottom[1::2]
    return frame


def moving(count: int) -> list[np.ndarray]:
    """A soft picture that moves by some pixels a frame."""
    (picture,) = soft_shot(5, 1)
    return [np.roll(picture, 3 * step, axis=1) for step in range(count)]


@pytest.mark.parametrize("fields", ["tff", "bff"])
def test_pulldown_is_seen(tmp_path: Path, fields: str) -> None:
    """Fields that come twice in the pattern of film on television are telecine."""
    film = write_film(
        tmp_path / "film.mkv", pulled_down(moving(40)), fields=fields,
        field_order=2 if fields == "tff" else 3, options={"level": "3"},
    )  # fmt: skip
    assert is_telecined(probe(film))


def test_true_fields_are_none(tmp_path: Path) -> None:
    """Where every field shows another moment, nothing was pulled down; nor where nothing moves."""
    moments = moving(100)
    true = [woven(moments[2 * k], moments[2 * k + 1]) for k in range(50)]
    for number, frames in enumerate((true, moving(1) * 50, moving(50))):
        film = write_film(
            tmp_path / f"{number}.mkv", frames, fields="tff", field_order=2, options={"level": "3"}
        )
        assert not is_telecined(probe(film))


def test_real_films() -> None:
    """The telecine among the clips is told, interlaced video is not taken for it."""
    assert is_telecined(probe(FORMATS / "telecine.mpg"))
    for name in (
        "mpeg2-fields-timecode-2mono.mxf", "ffv1-10bit-fields-pcm24.mkv",
        "dv-pal-bottom-field-first.mov",
    ):  # fmt: skip
        assert not is_telecined(probe(FORMATS / name))


def test_it_is_told_before_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    """A note says what it is and that it is left as it is."""
    film = FORMATS / "telecine.mpg"
    assert main([str(film), "--dry-run", "--force", "-o", "out.mkv"]) == 0
    assert "is telecined film; its fields are kept as they are" in capsys.readouterr().err
