import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition
from clips import Extras, ask_ffprobe, moving_luma, needs_ffmpeg, write_film
from compare_films import problems
from film_facts import Film
from recoloring import LOSSLESS, RICH, colored, write_pink

from vidcolor.film.verify import verify_film
from vidcolor.reading.reader import Damage, read_frames
from vidcolor.reading.source import probe
from vidcolor.settings import OutputSettings, Settings
from vidcolor.writing.plan import Job, plan_encoding
from vidcolor.writing.stream_hashes import hash_copied, hash_written


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_nothing_else_is_lost_by_ffmpegs_word(tmp_path: Path, suffix: str) -> None:
    """Luma, times, and the packets of each sound and subtitle stream are equal for FFmpeg too."""
    extras = RICH if suffix == ".mkv" else replace(RICH, attachments=[], subtitles=[])
    # The sound goes on for most of its second after the picture has ended.
    film = write_film(tmp_path / f"film{suffix}", moving_luma(5), codec="libx264", extras=extras)
    encoding = colored(film, tmp_path / f"out{suffix}", OutputSettings(codec="libx264", crf=0))
    assert problems(film, encoding.path) == []
    assert len(Film(film).packet_hashes("audio")) == 2
    assert len(Film(film).packet_hashes("subtitle")) == len(extras.subtitles[:1])


@needs_ffmpeg
def test_a_second_picture_is_copied(tmp_path: Path) -> None:
    """A second video stream keeps its packets, with the times shown and the times decoded."""
    one, other, film = (tmp_path / f"{name}.mp4" for name in ("one", "other", "film"))
    write_film(one, moving_luma(9), codec="libx264")
    write_film(other, moving_luma(9, seed=1), codec="libx264", options={"bf": "3"})
    copy = ["-map", "0", "-map", "1", "-c", "copy"]
    subprocess.run(["ffmpeg", "-v", "quiet", "-i", one, "-i", other, *copy, film], check=True)
    packets = []
    for path in (film, colored(film, settings=OutputSettings()).path):
        with av.open(str(path)) as container:
            demuxed = [packet for packet in container.demux(video=1) if packet.size]
        packets.append([(packet.pts, packet.dts, bytes(packet)) for packet in demuxed])
    assert packets[0] == packets[1]
    assert any(pts != dts for pts, dts, _ in packets[0])


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("target", [".mp4", ".mkv", ".mov"])
def test_a_cover_is_kept(tmp_path: Path, suffix: str, target: str) -> None:
    """The picture on a film's cover has its bytes, also in a piece; QuickTime has none."""
    plain = write_film(tmp_path / "plain.mp4", moving_luma(9), codec="libx264")
    cover, film = tmp_path / "cover.png", tmp_path / f"film{suffix}"
    picture = ["ffmpeg", "-v", "quiet", "-i", plain, "-frames:v", "1"]
    subprocess.run([*picture, cover], check=True)
    attach = ["-map", "0", "-map", "1", "-disposition:v:1", "attached_pic"]
    if suffix == ".mkv":
        attach = ["-map", "0", "-attach", cover, "-metadata:s:t", "mimetype=image/png"]
    subprocess.run(
        ["ffmpeg", "-v", "quiet", "-i", plain, "-i", cover, *attach, "-c", "copy", film], check=True
    )
    encoding = colored(film, tmp_path / f"out{target}", OutputSettings())
    assert encoding.path.suffix == (".mkv" if target == ".mov" else target)
    with av.open(str(encoding.path)) as container:
        (found,) = [
            bytes(packet)
            for packet in container.demux(*container.streams.video)
            if packet.stream.disposition & Disposition.attached_pic and packet.size
        ]
    assert found == cover.read_bytes()
    wanted = hash_copied(probe(film), encoding.container, shift_seconds=Fraction(1, 5))
    assert list(wanted.values()) == hash_written(probe(encoding.path))


@needs_ffmpeg
def test_chapters_attachments_and_tags_are_kept(tmp_path: Path) -> None:
    """What FFprobe tells of the file beside its streams is what it told of the source."""
    film = write_film(tmp_path / "film.mkv", moving_luma(25), extras=RICH)
    result = colored(film).path
    for path in (film, result):
        told = ask_ffprobe(path, "-show_format", "-show_chapters", "-show_streams")
        assert told["format"]["tags"]["title"] == "A film"
        assert told["format"]["tags"]["ARCHIVE_NUMBER"] == "17/4"
        chapters = [(c["start_time"], c["end_time"], c["tags"]["title"]) for c in told["chapters"]]
        assert chapters == [("0.000000", "0.700000", "One"), ("0.700000", "1.600000", "Two")]
        kinds = [stream["codec_type"] for stream in told["streams"]]
        assert kinds == ["video", "audio", "audio", "subtitle", "attachment"]
        assert told["streams"][4]["tags"] == {"filename": "notes.txt", "mimetype": "text/plain"}
    assert told["format"]["tags"]["COLORIZED_BY"] == "made in a test"


@needs_ffmpeg
def test_an_attachment_is_the_same_file(tmp_path: Path) -> None:
    """The bytes of an attachment come through."""
    film = write_film(tmp_path / "film.mkv", moving_luma(2), extras=RICH)
    notes = tmp_path / "notes.txt"
    subprocess.run(
        ["ffmpeg", "-v", "quiet", "-dump_attachment:t:0", notes, "-i", colored(film).path],
        check=False,
    )
    assert notes.read_bytes() == b"Found in the attic."


@needs_ffmpeg
def test_streams_keep_language_title_and_disposition(tmp_path: Path) -> None:
    """Each stream's tags and flags are those that it had."""
    plain = write_film(tmp_path / "plain.mkv", moving_luma(5), extras=RICH)
    film = tmp_path / "film.mkv"
    subprocess.run(
        ["ffmpeg", "-v", "quiet", "-i", plain, "-map", "0", "-c", "copy",
         "-disposition:v:0", "original", "-disposition:a:0", "0",
         "-disposition:a:1", "default+comment", "-disposition:s:0", "forced", film],
        check=True,
    )  # fmt: skip
    before, after = (
        ask_ffprobe(path, "-show_streams")["streams"] for path in (film, colored(film).path)
    )
    for one, other in zip(before, after, strict=True):
        assert one["disposition"] == other["disposition"]
        tags = {**one["tags"], "ENCODER": None, "DURATION": None, "encoder": None}
        assert {**other["tags"], "ENCODER": None, "DURATION": None, "encoder": None} == tags
    assert before[0]["disposition"]["original"] == 1
    assert before[2]["disposition"]["comment"] == before[3]["disposition"]["forced"] == 1
    assert before[0]["tags"]["language"] == "fre"


@needs_ffmpeg
def test_tags_that_would_be_false_stay_behind(tmp_path: Path) -> None:
    """What mkvmerge and libvpx say of the picture's packets is not said of the new ones."""
    stale = {
        "BPS": "1234", "BPS-eng": "1234", "NUMBER_OF_FRAMES-eng": "5", "ALPHA_MODE": "1",
        "_STATISTICS_WRITING_APP-eng": "mkvmerge", "_STATISTICS_TAGS": "BPS",
    }  # fmt: skip
    true = {"LENS-eng": "50 mm", "TELECINE": "1987"}
    film = write_film(
        tmp_path / "film.mkv", moving_luma(5), extras=Extras(video_metadata=stale | true)
    )
    before, after = (
        {key.lower() for key in ask_ffprobe(path, "-show_streams")["streams"][0]["tags"]}
        for path in (film, colored(film).path)
    )
    assert before >= {key.lower() for key in stale | true}
    assert after == {"lens-eng", "telecine", "duration"}


ASS_HEAD = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,16,&Hffffff

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:00.10,0:00:00.50,Default,words
"""


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_what_a_container_cannot_hold_moves_the_film_to_matroska(
    tmp_path: Path, suffix: str
) -> None:
    """MP4 has no place for the styles of ASS: Matroska is written instead, and a note says so."""
    plain = write_film(tmp_path / "plain.mkv", moving_luma(5))
    words, film = tmp_path / "words.ass", tmp_path / "film.mkv"
    words.write_text(ASS_HEAD)
    copy = ["-map", "0", "-map", "1", "-c", "copy"]
    subprocess.run(["ffmpeg", "-v", "quiet", "-i", plain, "-i", words, *copy, film], check=True)
    encoding = colored(film, tmp_path / f"out{suffix}", OutputSettings())
    (note,) = encoding.notes
    assert note.startswith(f"{suffix[1:]} cannot hold subtitle 1 (ssa): writing Matroska, out.mkv")
    assert encoding.path == tmp_path / "out.mkv"
    assert not (tmp_path / f"out{suffix}").exists()
    assert Film(encoding.path).packet_hashes("subtitle") == Film(film).packet_hashes("subtitle")


STYLED = [
    (100, 500, "Plain words."),
    (900, 300, '<i>Slanted</i> and <b>bold</b>\nand <font color="#ff0000">r\u00e9d</font>.'),
    (1200, 400, "{\\an8}Above; a < b & c."),
]
SHOWN = ["Plain words.", "Slanted and bold\nand r\u00e9d.", "Above; a < b & c."]


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("out.mp4", OutputSettings()),
        ("out.mov", OutputSettings()),
        ("out.mp4", OutputSettings(purpose="access")),
        ("out.mp4", OutputSettings(purpose="web")),
        ("out.mov", OutputSettings(purpose="edit")),
    ],
)
def test_subrip_becomes_mov_text(tmp_path: Path, name: str, settings: OutputSettings) -> None:
    """Its words are shown when they were, without tags as text, and a note tells what is lost."""
    # x265 destroys memory where pictures are smaller than its blocks of 64 pixels.
    pictures = moving_luma(50, 128, 96)
    film = write_film(tmp_path / "film.mkv", pictures, extras=Extras(subtitles=STYLED))
    encoding = colored(film, tmp_path / name, settings)
    assert encoding.path.name == name
    (note,) = encoding.notes
    assert note.startswith(f"{name[-3:]} holds subtitle 1 (srt) as mov_text: bold, italic")
    assert shown_texts(encoding.path) == [
        (start, start + length, text)
        for (start, length, _), text in zip(STYLED, SHOWN, strict=True)
    ]
    again = subprocess.run(
        ["ffmpeg", "-v", "quiet", "-i", encoding.path, "-map", "s:0", "-f", "srt", "-"],
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    assert "00:00:00,900 --> 00:00:01,200\n<i>Slanted</i> and <b>bold</b>\nand" in again


def shown_texts(film: Path) -> list[tuple[int, int, str]]:
    """From when to when, in milliseconds, a film shows which subtitle, by FFprobe's packets."""
    told = ask_ffprobe(film, "-show_packets", "-select_streams", "s:0", "-show_data")["packets"]
    shown = []
    for packet in told:
        rows = (row[10:50] for row in packet["data"].splitlines())
        data = bytes.fromhex("".join(rows).replace(" ", ""))
        text = data[2 : 2 + int.from_bytes(data[:2], "big")].decode()
        start, length = (float(packet.get(key, 0)) for key in ("pts_time", "duration_time"))
        if text:
            shown.append((round(start * 1000), round((start + length) * 1000), text))
    return shown


def test_subrip_in_mp4_is_verified(tmp_path: Path) -> None:
    """`--verify` finds the words in the result, and finds other words to be others."""
    film = write_film(tmp_path / "film.mkv", moving_luma(50), extras=Extras(subtitles=STYLED))
    encoding = colored(film, tmp_path / "out.mp4", OutputSettings())
    wanted, found = hash_copied(probe(film), "mp4"), hash_written(probe(encoding.path))
    assert list(wanted.values()) == found
    other = write_film(
        tmp_path / "other.mkv",
        moving_luma(50),
        extras=Extras(subtitles=[*STYLED[:2], (1200, 400, "Below")]),
    )
    assert list(hash_copied(probe(other), "mp4").values()) != found
    settings = Settings(output=OutputSettings(verify=True))
    assert verify_film(
        Job(source=probe(film), encoding=encoding), encoding.path, settings
    ).streams == {"subtitle 1 (srt)": True}


def test_words_that_are_no_utf8_are_no_end(tmp_path: Path) -> None:
    """A byte that is no letter is shown as such, and a subtitle without words as none."""
    extras = Extras(subtitles=[(0, 100, "one"), (200, 100, " "), (400, 100, "two")])
    film = write_film(tmp_path / "film.mkv", moving_luma(50), extras=extras)
    film.write_bytes(film.read_bytes().replace(b"one", b"on\xe9"))
    shown = shown_texts(colored(film, tmp_path / "out.mp4", OutputSettings()).path)
    assert shown == [(0, 100, "on\ufffd"), (400, 500, "two")]


def test_what_matroska_cannot_hold_either_is_told(tmp_path: Path) -> None:
    """An attachment stays behind in MP4, and a note says so."""
    extras = Extras(attachments=[("notes.txt", "text/plain", b"words")])
    film = write_film(tmp_path / "film.mkv", moving_luma(5), extras=extras)
    encoding = colored(film, tmp_path / "out.ts", OutputSettings())
    assert encoding.path.exists()
    assert "attachment 1" in " ".join(encoding.notes)


def test_mov_text_becomes_the_same_text_in_matroska(tmp_path: Path) -> None:
    """Subtitles of MP4 are SubRip in Matroska, with the same words and times."""
    extras = Extras(subtitles=RICH.subtitles, subtitle_codec="mov_text")
    film = write_film(tmp_path / "film.mp4", moving_luma(40), codec="libx264", extras=extras)
    with av.open(str(colored(film).path)) as container:
        assert container.streams.subtitles[0].codec_context.name == "srt"
        packets = [packet for packet in container.demux(subtitles=0) if packet.size]
    found = [(packet.pts, packet.duration, bytes(packet).decode()) for packet in packets]
    assert found == list(extras.subtitles)


@needs_ffmpeg
def test_mov_text_stays_in_mov(tmp_path: Path) -> None:
    """Subtitles of MOV, and the gaps between them, are the same in MOV."""
    extras = Extras(subtitles=RICH.subtitles, subtitle_codec="mov_text")
    film = write_film(tmp_path / "film.mov", moving_luma(40), codec="libx264", extras=extras)
    result = colored(film, tmp_path / "out.mov", OutputSettings()).path
    assert Film(film).packet_hashes("subtitle") == Film(result).packet_hashes("subtitle")


@needs_ffmpeg
def test_timecode_is_kept_in_mov(tmp_path: Path) -> None:
    """The timecode track is made anew from its tag and shows the same time."""
    film = write_film(
        tmp_path / "film.mov", moving_luma(5), codec="libx264",
        extras=Extras(video_metadata={"timecode": "01:02:03:04"}),
    )  # fmt: skip
    result = colored(film, tmp_path / "out.mov", OutputSettings()).path
    for path in (film, result):
        streams = ask_ffprobe(path, "-show_streams")["streams"]
        assert [stream.get("codec_tag_string") for stream in streams] == ["avc1", "tmcd"]
        assert streams[1]["tags"]["timecode"] == "01:02:03:04"


def test_a_piece_carries_its_own_sound_words_and_chapters(tmp_path: Path) -> None:
    """A piece begins at time 0, with what lies beside it in the film and no more."""
    film = write_film(tmp_path / "film.mkv", moving_luma(45), extras=RICH)
    source = probe(film)
    encoding = plan_encoding(source, LOSSLESS)
    start, length = Fraction("0.6"), Fraction("0.32")
    frames = read_frames(source, Damage(), start_seconds=start, duration_seconds=length)
    write_pink(source, encoding, frames, shift_seconds=start, end_seconds=length)
    with av.open(str(encoding.path)) as container:
        times = {}
        for packet in container.demux():
            if packet.size:
                times.setdefault(packet.stream.index, []).append(packet.pts)
        chapters = [(one["start"], one["end"]) for one in container.chapters()]
    assert times[0] == list(range(0, 320, 40))
    assert times[1] == list(range(0, 320, 20))
    assert (min(times[2]), times[3]) == (pytest.approx(0, abs=25), [300])
    assert max(times[2]) < 320
    assert chapters == [(0, 100_000_000), (100_000_000, 320_000_000)]


@needs_ffmpeg
def test_for_editing_the_film_is_whole_quicktime(tmp_path: Path) -> None:
    """ProRes with timecode track, sound, and an atom that tells the colors."""
    extras = Extras(audio=["pcm_s24le"], video_metadata={"timecode": "01:02:03:04"})
    film = write_film(tmp_path / "film.mov", moving_luma(5), codec="libx264", extras=extras)
    result = colored(film, settings=OutputSettings(purpose="edit")).path
    assert result.name == "film.colorized.mov"
    video, sound, timecode = ask_ffprobe(result, "-show_streams")["streams"]
    assert (video["codec_name"], video["profile"]) == ("prores", "HQ")
    assert [video[f"color_{name}"] for name in ("space", "transfer", "primaries")] == [
        "smpte170m"
    ] * 3
    assert b"colr" in result.read_bytes()
    assert sound["codec_name"] == "pcm_s24le"
    assert timecode["tags"]["timecode"] == "01:02:03:04"


@pytest.mark.parametrize("codec", ["prores_ks", "libx264", "ffv1"])
def test_frames_tell_the_matrix_that_their_chroma_is_of(tmp_path: Path, codec: str) -> None:
    """Also where the codec keeps it in each frame."""
    film = write_film(tmp_path / "film.mkv", moving_luma(2))
    result = colored(film, tmp_path / "out.mov", OutputSettings(codec=codec)).path
    with av.open(str(result)) as container:
        assert {int(frame.colorspace) for frame in container.decode(video=0)} == {6}


def test_pcm_may_be_cut_into_other_packets(tmp_path: Path) -> None:
    """QuickTime cuts the long packets of MXF anew; the sound is the same."""
    film, long = tmp_path / "film.mov", tmp_path / "film.mxf"
    write_film(
        film, moving_luma(25, 720, 576), codec="mpeg2video", extras=Extras(audio=["pcm_s16le"])
    )
    subprocess.run(["ffmpeg", "-v", "quiet", "-i", film, "-c", "copy", long], check=True)
    encoding = colored(long, tmp_path / "out.mov", OutputSettings(purpose="edit"))
    assert problems(long, encoding.path, "sound") == []
    wanted, found = hash_copied(probe(long), "mov"), hash_written(probe(encoding.path))
    assert list(wanted.values()) == found
    assert len(found) == 1


def test_sound_of_unknown_layout_moves_mp4_to_matroska(tmp_path: Path) -> None:
    """MP4 must name the loudspeakers of PCM, and Matroska's PCM has but their number."""
    film = write_film(tmp_path / "film.mkv", moving_luma(5), extras=Extras(audio=["pcm_s24le"]))
    encoding = colored(film, tmp_path / "out.mp4", OutputSettings())
    assert encoding.notes == ("mp4 cannot hold audio 1 (pcm_s24le): writing Matroska, out.mkv",)
    assert Film(film).packet_hashes("audio") == Film(encoding.path).packet_hashes("audio")
