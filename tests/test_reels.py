import os
from contextlib import suppress
from pathlib import Path

import av
import pytest
from clips import moving_luma, soft_shot, write_film, write_series

from vidcolor.cli.main import main
from vidcolor.errors import SourceError
from vidcolor.reels.find import Reel, find_reels

FAST = ["--device", "cpu", "--render-size", "64"]


@pytest.fixture
def reels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of films and other things, with folders of its own."""
    monkeypatch.chdir(tmp_path)
    folder = Path("reels")
    for name in (
        "b.mkv", "A.MP4", "notes.txt", "b.colorized.mkv", "b.colorized.json", ".b.12.part.mkv",
        "1950/c.mxf", "1950/deep/d.dv", "1899/c.mov", ".trash/e.mkv", "empty/readme.md",
    ):  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"?")
    return folder


def found(*paths: Path, recursive: bool = False) -> list[str]:
    """The paths of the reels found."""
    return [
        reel.path.as_posix()
        for reel in find_reels(paths, recursive=recursive)
        if isinstance(reel, Reel)
    ]


def test_the_films_of_a_folder(reels: Path) -> None:
    """By name, whatever the case of their suffix; nothing hidden, made by us or no film."""
    assert found(reels) == ["reels/A.MP4", "reels/b.mkv"]


def test_folders_of_folders(reels: Path) -> None:
    """With leave they are looked into, and where each film lay is known."""
    assert found(reels, recursive=True) == [
        "reels/A.MP4", "reels/b.mkv", "reels/1899/c.mov", "reels/1950/c.mxf",
        "reels/1950/deep/d.dv",
    ]  # fmt: skip
    last = find_reels([reels], recursive=True)[-1]
    assert last == Reel(path=reels / "1950/deep/d.dv", subfolder=Path("1950/deep"))


def touch(folder: Path, *names: str) -> None:
    """Make files in a folder, which is made as well."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"?")


def test_the_series_of_a_folder(reels: Path) -> None:
    """Numbered pictures of one stem, suffix and width are one reel; a lone one is none."""
    touch(
        reels / "scans", "b_0001.dpx", "b_0002.dpx", "b_0009.dpx", "a_0086400.tif", "a_0086401.tif",
        "0.PNG", "1.PNG", "10.PNG", "lone_01.jpg", "cover.jpg", ".c_01.tif", ".c_02.tif",
        "d_01.txt", "d_02.txt", "b.colorized.mkv", "b.colorized.json",
    )  # fmt: skip
    names = ["%d.PNG", "a_%07d.tif", "b_%04d.dpx"]
    assert found(reels / "scans") == [f"reels/scans/{name}" for name in names]
    assert found(reels) == ["reels/A.MP4", "reels/b.mkv"]
    in_all = found(reels, recursive=True)
    assert [path for path in in_all if "%" in path] == [f"reels/scans/{name}" for name in names]
    last = find_reels([reels], recursive=True)[-1]
    assert last == Reel(path=reels / "scans/b_%04d.dpx", subfolder=Path("scans"))


def test_a_master_goes_before_its_proxy(reels: Path) -> None:
    """Of reels of one stem the larger comes first, at the place of the first of them."""
    touch(reels / "tapes", "t.avi", "t.mpg", "a.mkv", "u.mkv")
    (reels / "tapes/t.mpg").write_bytes(bytes(9))
    tapes = [f"reels/tapes/{name}" for name in ("a.mkv", "t.mpg", "t.avi", "u.mkv")]
    assert found(reels / "tapes") == tapes
    touch(reels / "scans", *(f"s_{k}.{x}" for k in (1, 2) for x in ("jpg", "tif")))
    (reels / "scans/s_2.tif").write_bytes(bytes(9))
    assert found(reels / "scans") == ["reels/scans/s_%d.tif", "reels/scans/s_%d.jpg"]


def test_pictures_beside_films_are_no_reel(reels: Path) -> None:
    """Where a film lies, pictures are its posters; where a dump does, they are ours."""
    touch(reels, "poster_1.jpg", "poster_2.jpg")
    touch(reels / "look", "dump.json", "frames.jsonl", "index.html", "1.png", "2.png")
    touch(reels / "look" / "000012", "map_1.png", "map_2.png")
    assert not [path for path in found(reels, recursive=True) if "%" in path]


def test_pictures_that_are_named_are_told_once(reels: Path) -> None:
    """As by `reels/*.dpx`: an error for each series, with its name."""
    touch(reels, "b_01.dpx", "b_02.dpx", "b_03.dpx", "c_1.png", "c_2.png")
    outcomes = find_reels(sorted(reels.glob("?_*.*")), recursive=False)
    photos = ", or add --photos to colorize it as a photograph"
    lone = "reels/c_1.png: is a single image of a sequence"
    assert [str(outcome) for outcome in outcomes] == [
        "reels/b_01.dpx: is a single image of a sequence; name reels/b_%02d.dpx, or its folder",
        f"{lone}; name reels/c_%d.png, or its folder{photos}",
    ]


def test_a_pattern_and_its_folder_are_one_reel(reels: Path) -> None:
    """Named twice, it is colorized once."""
    touch(reels / "scans", "01.dpx", "02.dpx")
    pattern = reels / "scans/%02d.dpx"
    assert found(pattern, reels / "scans") == ["reels/scans/%02d.dpx"]


def test_a_film_that_is_named_is_taken(reels: Path) -> None:
    """Whatever its name, and only once, in the order named."""
    odd = reels / "notes.txt"
    assert found(odd, reels / "b.mkv", reels, odd) == [
        "reels/notes.txt", "reels/b.mkv", "reels/A.MP4"
    ]  # fmt: skip
    assert found(Path("missing.mkv")) == ["missing.mkv"]


def test_a_link_to_a_film_is_that_film(reels: Path) -> None:
    """Two names of one file are one reel; a link back up is no trap."""
    (reels / "link.mkv").symlink_to("b.mkv")
    (reels / "1950" / "up").symlink_to("..")
    assert len(found(reels, recursive=True)) == 5


def write_tiny(path: Path, container: str, codec: str) -> None:
    """A film of two frames under any name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for luma in moving_luma(2, 64, 48):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(luma, format="gray")))
        output.mux(stream.encode(None))


def test_films_are_known_by_content(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever their suffix; what else there is, linked folders too, is counted and named."""
    caplog.set_level("INFO")
    kinds = {
        "tape.mod": ("mpeg", "mpeg2video"), "vcd.dat": ("mpeg", "mpeg1video"),
        "raw.h264": ("h264", "libx264"), "raw.m1v": ("mpeg1video", "mpeg1video"),
        "web.f4v": ("mp4", "libx264"), "old.ogm": ("ogg", "libtheora"), "a.mj2": ("mov", "mjpeg"),
        "deep/b.mpe": ("mpeg", "mpeg1video"),
    }  # fmt: skip
    for name, (container, codec) in kinds.items():
        with suppress(av.FFmpegError, ValueError):  # an encoder that this FFmpeg lacks
            write_tiny(tmp_path / name, container, codec)
    wanted = sorted(str(path) for path in tmp_path.rglob("*.*"))
    assert len(wanted) >= 6
    touch(
        tmp_path,
        "other.dat",
        "text.txt",
        "vidcolor-ledger.sqlite",
        "sound.wav",
        "a.iso",
        ".hidden.mod",
        "poster.webp",
    )
    touch(tmp_path, "moving.gif")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\n../elsewhere.ts\n")
    touch(tmp_path / "elsewhere", "film.mkv")
    (tmp_path / "deep" / "linked").symlink_to(tmp_path / "elsewhere")
    listed = found(tmp_path, recursive=True)
    assert sorted(listed) == sorted([*wanted, str(tmp_path / "elsewhere/film.mkv")])
    (told,) = caplog.messages
    assert told == (
        f"{tmp_path}: passed over 5 files that are no films and 1 linked folder, to be named by "
        "itself (a.iso, list.m3u8, moving.gif, other.dat, poster.webp, linked)"
    )


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (("film (1).png", "film (2).png", "film (10).png"), "film (%d).png"),
        (("0001_L.png", "0002_L.png", "0001_R.png", "0002_R.png"), "%04d_L.png"),
        (("a1.bmp", "a2.bmp"), "a%d.bmp"),
        (("01.jp2", "02.jp2"), "%02d.jp2"),
        (("01.dng", "02.dng"), "%02d.dng"),
        (("2024_take3.tif", "2024_take4.tif"), "2024_take%d.tif"),
    ],
)
def test_the_last_number_of_a_name_counts(
    reels: Path, names: tuple[str, ...], pattern: str
) -> None:
    """Whatever is behind it; two reels side by side are two."""
    touch(reels / "scans", *names)
    assert found(reels / "scans")[0] == f"reels/scans/{pattern}"
    (error,) = find_reels([reels / "scans" / names[0]], recursive=False)
    assert f"name reels/scans/{pattern}, or " in str(error)


@pytest.mark.parametrize(
    ("recursive", "remedy"),
    [(False, "or search subfolders with --recursive"), (True, "name a film")],
)
def test_a_folder_without_films_is_told(reels: Path, recursive: bool, remedy: str) -> None:
    """It fails, and the others do not."""
    outcome, film = find_reels([reels / "empty", reels / "b.mkv"], recursive=recursive)
    assert isinstance(outcome, SourceError)
    assert str(outcome).startswith("reels/empty: holds no film; ")
    assert str(outcome).endswith(remedy)
    assert isinstance(film, Reel)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_told(reels: Path) -> None:
    """By its own name."""
    (reels / "1950").chmod(0)
    (outcome,) = find_reels([reels], recursive=True)
    assert isinstance(outcome, SourceError)
    assert "1950: cannot be read (Permission denied)" in str(outcome)


def test_outputs_lie_as_the_reels_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two reels of one name in two folders do not meet; what fails is told at the end again."""
    monkeypatch.chdir(tmp_path)
    for place in ("1899", "1950/deep"):
        Path("reels", place).mkdir(parents=True)
        write_film(Path("reels", place, "c.mkv"), soft_shot(1, 2))  # too short for hints
    Path("reels/broken.mp4").write_bytes(b"no film")
    assert main(["reels", "-r", "-o", "out", *FAST]) == 1
    made = {path.relative_to("out").as_posix() for path in Path("out").rglob("*.*")}
    assert made - {"vidcolor-ledger.sqlite"} == {
        f"{place}/c.colorized.{suffix}"
        for place in ("1899", "1950/deep")
        for suffix in ("mkv", "json")
    }
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "out/1899/c.colorized.mkv", "out/1950/deep/c.colorized.mkv"
    ]  # fmt: skip
    assert err.splitlines()[-2] == "vidcolor: 1 of 3 reels failed:"
    assert err.splitlines()[-1].startswith("vidcolor:   reels/broken.mp4: ")


def test_each_series_of_a_folder_gets_its_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside its pictures, under its own name; a second run takes none of them for a film."""
    monkeypatch.chdir(tmp_path)
    write_series(Path("reel/%06d.dpx"), soft_shot(1, 3), first=86400)
    write_series(Path("reel/tail_%02d.tif"), soft_shot(2, 2))
    assert main(["reel", "--fps", "18", "-q", "--lossless", "--verify", *FAST]) == 0
    made = {path.name for path in Path("reel").glob("*.mkv")}
    assert made == {"reel.colorized.mkv", "tail.colorized.mkv"}
    assert main(["reel", "--fps", "18", *FAST]) == 1
    err = capsys.readouterr().err
    assert "reel.colorized.mkv: exists already" in err
    assert "tail.colorized.mkv: exists already" in err


def test_a_folder_of_one_reel_may_have_a_film_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `-o FILM`; where the folder holds two reels, only the first can have it."""
    monkeypatch.chdir(tmp_path)
    write_series(Path("reel/%06d.dpx"), soft_shot(1, 3))
    assert main(["reel", "--fps", "18", "-q", "-o", "color.mkv", *FAST]) == 0
    assert Path("color.mkv").is_file()
    write_series(Path("reel/tail_%02d.tif"), soft_shot(2, 2))
    assert main(["reel", "--fps", "18", "-o", "color.mkv", "--overwrite", *FAST]) == 1
    assert "tail_%02d.tif: its output color.mkv is also the output of" in capsys.readouterr().err
    Path("out.mkv").mkdir()
    assert main(["reel", "--fps", "18", "-q", "-o", "out.mkv", *FAST]) == 0
    assert Path("out.mkv/tail.colorized.mkv").is_file()


def test_without_an_output_each_lies_beside_its_reel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a second run finds that they exist, and does not colorize them again."""
    monkeypatch.chdir(tmp_path)
    Path("reels").mkdir()
    write_film(Path("reels/a.mkv"), soft_shot(1, 3))
    assert main(["reels", *FAST, "-q"]) == 0
    names = {"a.mkv", "a.colorized.mkv", "a.colorized.json"}
    assert {path.name for path in Path("reels").iterdir()} == names
    assert main(["reels", *FAST, "-q"]) == 1
    assert {path.name for path in Path("reels").iterdir()} == names


def test_a_dry_run_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells what would be done with each."""
    monkeypatch.chdir(tmp_path)
    Path("reels").mkdir()
    write_film(Path("reels/a.mkv"), soft_shot(1, 3))
    assert main(["reels", "-o", "out", "-n", *FAST]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"reels"}


def test_a_dump_is_of_one_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder is bad usage there."""
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), "--dump", "look", "--dump-frames", "1"])
    assert "--dump takes one film at a time" in capsys.readouterr().err
