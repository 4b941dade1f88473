"""MXF for editors: operational pattern 1a, with timecode and sound, or a line that says why not."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from clips import Extras, ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from probed import picture, source
from recoloring import write_pink

from vidcolor.errors import OutputError
from vidcolor.film.verify import verify_film
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import OutputSettings, Settings
from vidcolor.writing.mxf import settle_mxf
from vidcolor.writing.plan import Job, plan_video

EDIT = Settings(force=True, output=OutputSettings(purpose="edit", verify=True))


def film_of(path: Path, depth: int = 8, **more: object) -> Path:
    """Twelve frames that DNxHR is large enough for, sound at 48 kHz with them."""
    extras = Extras(audio=["pcm_s16le"], metadata={"title": "A reel"},
                    video_metadata={"timecode": "10:00:00:00"})  # fmt: skip
    luma = moving_luma(25, 256, 128, depth=depth)
    given = {"rate": Fraction(25), "extras": extras} | more
    return write_film(path, luma, **given)


def written(film: Path, output: Path, settings: Settings = EDIT) -> Job:
    """The film with made-up chroma, verified."""
    job = plan_video(film, output, settings)
    frames = read_frames(replace(job.source, picture=job.encoding.picture), Damage())
    write_pink(job.source, job.encoding, frames)
    assert not verify_film(job, output, settings).problems
    return job


@needs_ffmpeg
@pytest.mark.parametrize(("depth", "profile"), [(8, "DNXHR HQ"), (10, "DNXHR HQX")])
def test_editors_get_dnxhr(tmp_path: Path, depth: int, profile: str) -> None:
    """Picture first, sound sample by sample, times and timecode; what has no place is told."""
    form = "gray" if depth == 8 else "gray10le"
    film = film_of(tmp_path / "film.mkv", depth, pixel_format=form)
    job = written(film, tmp_path / "out.mxf")
    assert "mxf cannot hold metadata: left out" in job.encoding.notes
    told = ask_ffprobe(tmp_path / "out.mxf", "-show_streams", "-show_format")
    video, audio = told["streams"]
    assert (video["profile"], audio["codec_name"]) == (profile, "pcm_s16le")
    assert told["format"]["format_name"] == "mxf"
    # SMPTE ST 378: item complexity 1, package complexity a.
    assert told["format"]["tags"]["operational_pattern_ul"].endswith("0d010201.01010900")
    assert probe(tmp_path / "out.mxf").timecode == "10:00:00:00"
    assert told["format"]["tags"]["comment_COLORIZED_BY"] == "made in a test"
    again = written(tmp_path / "out.mxf", tmp_path / "again.mxf")
    assert not any("left out" in note for note in again.encoding.notes)


def test_times_that_mxf_cannot_say_are_refused(tmp_path: Path) -> None:
    """Another rate, sound that begins later, a part with sound."""
    slow = film_of(tmp_path / "slow.mkv", rate=Fraction(18), time_base=Fraction(1, 18))
    with pytest.raises(OutputError, match=r"has 18 frames/s, and MXF holds 23\.976, 24, 25"):
        plan_video(slow, tmp_path / "out.mxf", EDIT)
    film = film_of(tmp_path / "film.mkv")
    part = replace(EDIT, start_seconds=Fraction(1, 5))
    with pytest.raises(OutputError, match="do not begin together, and MXF cannot say so"):
        plan_video(film, tmp_path / "out.mxf", part)
    late = film_of(tmp_path / "late.mkv", pts=range(40, 1040, 40), time_base=Fraction(1, 1000))
    with pytest.raises(OutputError, match="do not begin together"):
        plan_video(late, tmp_path / "out.mxf", EDIT)


@pytest.mark.quick
def test_an_encoder_for_mxf() -> None:
    """DNxHR, or ProRes for fields; what is asked for is kept, and other containers have theirs."""
    mxf, woven = Path("a.MXF"), replace(source(), picture=replace(picture(), field_order=2))
    assert settle_mxf(OutputSettings(), mxf, source()).codec == "dnxhd"
    assert settle_mxf(OutputSettings(), mxf, woven).codec == "prores_ks"
    asked = OutputSettings(codec="mpeg2video")
    assert settle_mxf(asked, mxf, source()) == asked
    assert settle_mxf(OutputSettings(), Path("a.mov"), source()) == OutputSettings()
