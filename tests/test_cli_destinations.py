import json
from pathlib import Path

import pytest
from cli_runs import color_film, film, names, run

from vidcolor.reels.ledger import NAME

pytestmark = pytest.mark.usefixtures("quiet_surroundings")


def test_one_film_beside_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """Without more ado the result lies beside the film, and one line tells of it."""
    film()
    assert run("film.mkv") == 0
    assert names() == {"film.mkv", "film.colorized.mkv", "film.colorized.json"}
    out, err = capsys.readouterr()
    assert out.startswith("film.colorized.mkv: 3 frames, 1 shot, ")
    assert all(
        line.startswith("  check shot 1 at 0:00:00 (frame ") for line in out.splitlines()[1:]
    )
    assert err == ""


@pytest.mark.parametrize("output", ["out.mkv", "folder/out.mkv", "folder", "folder/", "new/"])
def test_where_the_output_goes(output: str) -> None:
    """-o names a file, or a folder that is there or ends in a slash."""
    film()
    Path("folder").mkdir()
    assert run("film.mkv", "-o", output) == 0
    expected = output if output.endswith(".mkv") else f"{output.rstrip('/')}/film.colorized.mkv"
    assert Path(expected).is_file()
    sidecar = str(Path(expected).with_suffix(".json"))
    ledger = set() if output.endswith(".mkv") else {f"{output.rstrip('/')}/{NAME}"}
    assert names() - {"film.mkv", "folder", "new"} == {expected, sidecar} | ledger


def test_overwrite(capsys: pytest.CaptureFixture[str]) -> None:
    """With leave an old output is replaced."""
    film()
    Path("out.mkv").write_bytes(b"old")
    assert run("film.mkv", "-o", "out.mkv", "--overwrite") == 0
    assert Path("out.mkv").read_bytes()[:4] == b"\x1aE\xdf\xa3"
    assert capsys.readouterr().err == ""


def test_force_gives_a_color_film_new_colors() -> None:
    """A film in color is done when asked for."""
    color_film()
    assert run("color.mkv", "--force") == 0
    assert names() == {"color.mkv", "color.colorized.mkv", "color.colorized.json"}


def test_several_films_one_of_them_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken film costs its own result and the exit code; the folder is made."""
    film("a.mkv")
    Path("b.mkv").write_bytes(b"\x1aE\xdf\xa3 and no more")
    film("c.mp4", codec="libx264")
    assert run("a.mkv", "b.mkv", "c.mp4", "-o", "new/deep") == 1
    found = {path.name for path in Path("new/deep").iterdir()}
    assert found - {NAME} == {
        f"{stem}.colorized.{x}"
        for stem, x in (("a", "mkv"), ("a", "json"), ("c", "mp4"), ("c", "json"))
    }
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines() if not line.startswith(" ")] == [
        "new/deep/a.colorized.mkv", "new/deep/c.colorized.mp4"
    ]  # fmt: skip
    told = err.splitlines()
    assert told[0].startswith("vidcolor: b.mkv: cannot be opened")
    assert told[1:] == ["vidcolor: 1 of 3 reels failed:", told[0].replace(": ", ":   ", 1)]


def test_two_films_of_one_name_do_not_overwrite_each_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The second is refused before the first is begun; --overwrite is no leave."""
    for folder in ("one", "two"):
        Path(folder).mkdir()
        film(f"{folder}/film.mkv")
    assert run("one/film.mkv", "two/film.mkv", "-o", "out", "--overwrite") == 1
    told, *_ = capsys.readouterr().err.splitlines()
    assert told.startswith("vidcolor: two/film.mkv: its output would have the name of that of one/")
    assert Path("out/film.colorized.mkv").is_file()


def test_a_folder_that_cannot_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    """An output folder below a file is told in one line."""
    film("a.mkv")
    film("b.mkv")
    assert run("a.mkv", "b.mkv", "-o", "a.mkv/out") == 1
    assert "a.mkv/out: cannot be made (Not a directory); name another -o" in capsys.readouterr().err


def test_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run tells what would be done to each film, and neither writes nor makes folders."""
    film("a.mkv")
    film("b.mkv")
    assert run("a.mkv", "b.mkv", "missing.mkv", "-o", "new/", "--dry-run", "--lossless") == 1
    assert names() == {"a.mkv", "b.mkv"}
    out, err = capsys.readouterr()
    assert "output    new/a.colorized.mkv" in out
    assert "encoding  ffv1 yuv420p, matroska level=3" in out
    assert err == "vidcolor: missing.mkv: no such file\n"


def test_dry_run_of_one_film_with_all_well() -> None:
    """A dry run of what would work is exit 0."""
    film()
    assert run("film.mkv", "-n") == 0
    assert names() == {"film.mkv"}


def test_a_name_with_odd_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """Spaces, umlauts, quotes, percents, colons and a leading dash in a name are no matter."""
    odd = "-näme with 'quotes' & %d 100% [x] a:b.mkv"
    film(f"./{odd}")
    assert run(f"./{odd}") == 0
    assert names() == {odd, *(odd.replace(".mkv", f".colorized.{x}") for x in ("mkv", "json"))}
    assert capsys.readouterr().err == ""


def test_a_dump_alone_writes_no_film(capsys: pytest.CaptureFixture[str]) -> None:
    """Without -o only the dump is made, beside a film that was colorized before."""
    film(frames=12)
    assert run("film.mkv", "-q") == 0
    before = Path("film.colorized.mkv").read_bytes()
    assert run("film.mkv", "--dump", "d", "--dump-frames", "3,7-8") == 0
    assert {path.name for path in Path("d").iterdir() if path.is_dir()} == {
        "000003", "000007", "000008",
    }  # fmt: skip
    assert Path("film.colorized.mkv").read_bytes() == before
    out, err = capsys.readouterr()
    first, second = out.splitlines()
    assert first.startswith("d/index.html: 3 frames, ")
    assert first.endswith(" s a frame")
    assert second.startswith("9 frames colorized for the dump, ")
    assert second.endswith("no film written (add -o FILM to write one)")
    assert err == ""


def test_a_dump_with_an_output_is_made_on_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    """With -o the film is written as well, and both are told."""
    film(frames=4)
    assert run("film.mkv", "-o", "out.mkv", "--dump", "d", "--dump-frames", "3") == 0
    out = capsys.readouterr().out
    assert out.startswith("out.mkv: 4 frames, 1 shot, ")
    assert "d/index.html: 1 frame, " in out
    assert Path("out.mkv").is_file()


def test_a_dry_run_dumps_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It tells which frames would be dumped."""
    film()
    assert run("film.mkv", "--dump", "d", "--dump-frames", "0,2", "-n") == 0
    assert capsys.readouterr().out == "film.mkv: frames 0,2 would be dumped to d\n"
    assert names() == {"film.mkv"}


def test_a_sidecar_that_exists_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    """A file of the sidecar's name is the user's, unless there is leave."""
    film()
    Path("out.json").write_text("mine")
    assert run("film.mkv", "-o", "out.mkv") == 1
    assert "out.json: exists already; use --overwrite or another -o" in capsys.readouterr().err
    assert names() == {"film.mkv", "out.json"}
    assert Path("out.json").read_text() == "mine"
    assert run("film.mkv", "-o", "out.mkv", "--overwrite") == 0
    assert json.loads(Path("out.json").read_text())["frames"] == 3


def test_films_of_one_stem_keep_their_suffixes() -> None:
    """In the names of film and sidecar, and so again in a second run."""
    film("a.mkv")
    film("a.mp4", codec="libx264")
    film("b.mkv")
    wanted = {"a.mkv", "a.mp4", "b.mkv", "b.colorized.mkv", "b.colorized.json"}
    wanted |= {f"a.{x}.colorized.{y}" for x in ("mkv", "mp4") for y in (x, "json")}
    assert run("a.mp4", "a.mkv", "b.mkv") == 0
    assert names() == wanted
    assert run("a.mkv", "a.mp4", "b.mkv", "--overwrite") == 0
    assert names() == wanted
