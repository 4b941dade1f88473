"""No film comes out with less sound than went in."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from clips import Extras, ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from recoloring import LOSSLESS, colored

from vidcolor import colorize_video
from vidcolor.errors import OutputError
from vidcolor.film.verify import verify_film
from vidcolor.reading.source import probe
from vidcolor.settings import ModelSettings, OutputSettings, Settings
from vidcolor.writing.plan import Job, plan_encoding, plan_video
from vidcolor.writing.stream_hashes import hash_copied, hash_written

pytestmark = needs_ffmpeg
VERIFIED = Settings(output=replace(LOSSLESS, verify=True))


def film_with_sound(path: Path, *options: str) -> Path:
    """A film of a second with a tone that rises, so that no two packets are alike."""
    picture = write_film(path.with_name("picture.mkv"), moving_luma(25), codec="mpeg4")
    tone = "aevalsrc='0.4*sin(2*PI*(300+200*t)*t)':s=48000:d=1"
    inputs = ["-i", picture, "-f", "lavfi", "-i", tone, "-c:v", "copy"]
    command = ["ffmpeg", "-v", "error", "-y", *inputs, *options, path]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"this FFmpeg writes no {path.name}")
    return path


def heard(film: Path, kind: str = "pcm_s16le") -> str:
    """MD5 of a film's sound as FFmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-i", film, "-map", "0:a", "-c:a", kind, "-f", "md5", "-"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def sound_codec(film: Path) -> str:
    """FFmpeg's name of the codec of a film's first sound track."""
    streams = ask_ffprobe(film, "-show_streams")["streams"]
    return next(one["codec_name"] for one in streams if one["codec_type"] == "audio")


COPIED = [
    ("film.asf", "wmav2", "-ar", "44100", "-ac", "2"),
    ("film.avi", "adpcm_ms", "-ar", "22050"),
    ("film.avi", "adpcm_ima_wav", "-ar", "22050"),
    ("film.avi", "pcm_mulaw", "-ar", "8000"),
    ("film.mov", "pcm_alaw", "-ar", "8000"),
    ("film.mkv", "g726", "-ar", "8000", "-b:a", "32k", "-strict", "unofficial"),
    ("film.avi", "libgsm_ms", "-ar", "8000"),
    ("film.flv", "libspeex", "-ar", "16000", "-c:v", "flv1"),
]


@pytest.mark.parametrize(("name", "codec", "options"), [(*c[:2], c[2:]) for c in COPIED])
def test_sound_goes_into_matroska_as_ffmpeg_copies_it(
    tmp_path: Path, name: str, codec: str, options: tuple[str, ...]
) -> None:
    """Sound that Matroska names by Windows' numbers of codecs keeps its packets."""
    film = film_with_sound(tmp_path / name, "-c:a", codec, *options)
    encoding = colored(film, tmp_path / "out.mkv")
    assert encoding.left_out == ()
    assert sound_codec(encoding.path) == sound_codec(film)
    assert heard(encoding.path) == heard(film)
    job = Job(source=probe(film), encoding=encoding)
    found = verify_film(job, encoding.path, VERIFIED)
    assert (found.problems, list(found.streams.values())) == ([], [True])


REWRITTEN = [
    ("film.vob", "pcm_dvd", "s16", "out.mkv", "pcm_s16le"),
    ("film.vob", "pcm_dvd", "s32", "out.mkv", "pcm_s24le"),
    ("film.vob", "pcm_dvd", "s32", "out.mov", "pcm_s24le"),
    ("film.ts", "s302m", "s16", "out.mkv", "pcm_s16le"),
    ("film.ts", "s302m", "s32", "out.mov", "pcm_s24le"),
    ("film.mov", "pcm_s8", "u8", "out.mkv", "pcm_u8"),
    ("film.mov", "pcm_f32be", "flt", "out.mkv", "pcm_f32le"),
    ("film.mov", "pcm_f64be", "dbl", "out.mkv", "pcm_f64le"),
    ("film.mov", "pcm_s32be", "s32", "out.mkv", "pcm_s32be"),
    ("film.mov", "pcm_s24be", "s32", "out.mp4", "flac"),
    ("film.mov", "pcm_s16le", "s16", "out.mp4", "flac"),
    ("film.mov", "pcm_f32be", "flt", "out.mp4", "pcm_f32le"),
]


@pytest.mark.parametrize(("name", "codec", "kind", "output", "wanted"), REWRITTEN)
def test_samples_are_rewritten_where_their_codec_has_no_place(
    tmp_path: Path, name: str, codec: str, kind: str, output: str, wanted: str
) -> None:
    """Each sample is what it was, and nobody needs to ask for it."""
    video = ("-c:v", "mpeg2video") if name.endswith(("vob", "ts")) else ()
    options = ("-sample_fmt", kind, "-ac", "2", "-strict", "-2", *video)
    film = film_with_sound(tmp_path / name, "-c:a", codec, *options)
    encoding = colored(film, tmp_path / output, OutputSettings())
    assert sound_codec(encoding.path) == wanted
    exact = {"u8": "pcm_u8", "s16": "pcm_s16le", "flt": "pcm_f32le", "dbl": "pcm_f64le"}
    assert heard(encoding.path, exact.get(kind, "pcm_s32le")) == heard(
        film, exact.get(kind, "pcm_s32le")
    )
    copied = hash_copied(probe(film), encoding.container)
    assert list(copied.values()) == hash_written(probe(encoding.path))


@pytest.mark.parametrize("codec", ["libopus", "flac"])
def test_what_quicktime_does_not_carry_goes_to_matroska(tmp_path: Path, codec: str) -> None:
    """A copy for an editor falls back, says so, and its sound is what it was."""
    film = film_with_sound(tmp_path / "film.mkv", "-c:a", codec, "-ar", "48000")
    settings = Settings(
        output=OutputSettings(purpose="edit"), model=ModelSettings(device="cpu", render_size=64)
    )
    (note,) = plan_video(film, None, settings).encoding.notes
    assert note.endswith("writing Matroska, film.colorized.mkv")
    result = colorize_video(film, None, settings)
    assert result.path.name == "film.colorized.mkv"
    assert probe(result.path).codec == "prores"
    assert heard(result.path) == heard(film)


def test_verification_hears_another_sample(tmp_path: Path) -> None:
    """Rewritten sound is compared by its samples; one other sample is found."""
    film = film_with_sound(tmp_path / "film.mov", "-c:a", "pcm_s24be", "-ac", "2")
    encoding = colored(film, tmp_path / "out.mp4", OutputSettings())
    data = bytearray(film.read_bytes())
    data[data.index(b"mdat") + len(data) // 3] ^= 0x40
    before = list(hash_copied(probe(film), "mp4").values())
    for place in range(len(data) // 3, len(data) // 3 + 40_000, 997):
        data[place] ^= 0x40
    (tmp_path / "other.mov").write_bytes(data)
    after = list(hash_copied(probe(tmp_path / "other.mov"), "mp4").values())
    assert before == hash_written(probe(encoding.path)) != after


def test_sound_that_has_no_place_is_refused_or_left_out_by_leave(tmp_path: Path) -> None:
    """GSM has a place in QuickTime alone: elsewhere a film is refused before work begins."""
    film = film_with_sound(tmp_path / "film.mov", "-c:a", "libgsm", "-ar", "8000")
    source = probe(film)
    assert plan_encoding(source, OutputSettings()).left_out == ()
    for name in ("out.mkv", "out.mp4"):
        with pytest.raises(OutputError, match=r"cannot hold audio 1 \(gsm\).*--drop-streams"):
            plan_encoding(source, OutputSettings(), output=tmp_path / name)
    encoding = plan_encoding(source, OutputSettings(drop_streams=True), output=tmp_path / "out.mkv")
    assert encoding.left_out == ("audio 1 (gsm)",)
    assert encoding.notes == ("matroska cannot hold audio 1 (gsm): left out",)


def test_speex_is_not_put_into_quicktime(tmp_path: Path) -> None:
    """FFmpeg names it there and reads other sound back."""
    film = film_with_sound(
        tmp_path / "film.flv", "-c:a", "libspeex", "-ar", "16000", "-c:v", "flv1"
    )
    encoding = plan_encoding(probe(film), OutputSettings(), output=tmp_path / "out.mov")
    assert encoding.path.name == "out.mkv"


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4", "out.ts"])
def test_aac_without_its_heads_is_the_same_sound(tmp_path: Path, name: str) -> None:
    """MPEG-TS puts a head in front of each packet of AAC, other containers take it off."""
    extras = Extras(audio=["aac"])
    plain = write_film(tmp_path / "plain.mp4", moving_luma(25), codec="libx264", extras=extras)
    film = tmp_path / "film.ts"
    subprocess.run(["ffmpeg", "-v", "error", "-i", plain, "-c", "copy", film], check=True)
    for source in (film, plain):
        encoding = colored(source, tmp_path / name, OutputSettings(overwrite=True))
        copied = hash_copied(probe(source), encoding.container)
        assert list(copied.values()) == hash_written(probe(encoding.path))
