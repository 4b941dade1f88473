import logging
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vidcolor.errors import SourceError
from vidcolor.training.dataset import read_pictures


def write_pictures(folder: Path) -> list[np.ndarray]:
    """Three PNG files of different sizes; returns them in RGB."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (20 + n, 30, 3), np.uint8) for n in range(3)]
    folder.mkdir()
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number}.png"), picture[:, :, ::-1])
    return pictures


def test_a_folder_is_read_in_order(tmp_path: Path) -> None:
    """Pictures come back bit for bit, by name, their sizes kept."""
    pictures = write_pictures(tmp_path / "photos")
    store = read_pictures([tmp_path / "photos"])
    assert len(store) == 3
    for index, picture in enumerate(pictures):
        np.testing.assert_array_equal(store.picture(index), picture)


def test_a_tar_file_equals_its_folder(tmp_path: Path) -> None:
    """The same pictures come from a tar file; other members are passed over."""
    write_pictures(tmp_path / "photos")
    (tmp_path / "photos" / "labels.txt").write_text("none")
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        for file in sorted((tmp_path / "photos").iterdir()):
            archive.add(file, arcname=file.name)
    from_tar = read_pictures([tmp_path / "photos.tar"])
    assert torch.equal(from_tar.pixels, read_pictures([tmp_path / "photos"]).pixels)


def test_the_cache_is_read_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run decodes nothing and has the same pictures."""
    write_pictures(tmp_path / "photos")
    cache = tmp_path / "photos.cache"
    first = read_pictures([tmp_path / "photos"], cache)
    monkeypatch.setattr(cv2, "imdecode", None)
    second = read_pictures([tmp_path / "photos"], cache)
    assert torch.equal(first.pixels, second.pixels)
    assert torch.equal(first.sizes, second.sizes)


def test_a_stale_cache_is_replaced(tmp_path: Path) -> None:
    """After a picture was added the cache is made anew."""
    write_pictures(tmp_path / "photos")
    cache = tmp_path / "photos.cache"
    read_pictures([tmp_path / "photos"], cache)
    cv2.imwrite(str(tmp_path / "photos" / "9.png"), np.zeros((16, 16, 3), np.uint8))
    assert len(read_pictures([tmp_path / "photos"], cache)) == 4
    assert len(read_pictures([tmp_path / "photos"], cache)) == 4


def test_a_damaged_picture_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are used, and a warning names the file."""
    write_pictures(tmp_path / "photos")
    (tmp_path / "photos" / "1.png").write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        store = read_pictures([tmp_path / "photos"])
    assert len(store) == 2
    assert "1.png" in caplog.text


def test_a_limit_is_kept(tmp_path: Path) -> None:
    """Only the first pictures are read."""
    write_pictures(tmp_path / "photos")
    assert len(read_pictures([tmp_path / "photos"], limit=2)) == 2


@pytest.mark.parametrize("exists", [False, True])
def test_nothing_to_learn_from_is_an_error(tmp_path: Path, *, exists: bool) -> None:
    """A missing source and one without pictures are each one clear line."""
    source = tmp_path / "photos"
    if exists:
        source.mkdir()
    with pytest.raises(SourceError, match="no such folder" if not exists else "no picture in any"):
        read_pictures([source])


def test_a_part_of_the_pictures_shares_their_bytes(tmp_path: Path) -> None:
    """A slice holds the same pictures in the same order, and copies none."""
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 10 + number, 3), 40 * number))
    store = read_pictures([tmp_path])
    part = store[1::2]
    assert len(part) == 2
    assert [part.picture(n).shape[1] for n in range(2)] == [11, 13]
    assert [part.picture(n).max() for n in range(2)] == [40, 120]
    assert part.pixels.data_ptr() == store.pixels.data_ptr()


def test_avif_is_read_from_folders_and_tar_files(tmp_path: Path) -> None:
    """As the shards have it: colors come back within the loss of the coding, sizes exactly."""
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:, :20], picture[:, 20:] = (200, 40, 30), (20, 90, 210)
    (tmp_path / "photos").mkdir()
    assert cv2.imwrite(str(tmp_path / "photos" / "0.avif"), picture[:, :, ::-1])
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        archive.add(tmp_path / "photos" / "0.avif", arcname="0.avif")
    for source in ("photos", "photos.tar"):
        found = read_pictures([tmp_path / source], tmp_path / "cache").picture(0)
        assert found.shape == picture.shape
        assert np.abs(found[:, [4, 35]].astype(int) - picture[:, [4, 35]]).max() < 12


def test_what_is_passed_over_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """How many files of which suffix, once for each source."""
    write_pictures(tmp_path / "photos")
    for name in ("a.heic", "b.heic", "notes.txt"):
        (tmp_path / "photos" / name).write_text("none")
    with caplog.at_level(logging.WARNING):
        assert len(read_pictures([tmp_path / "photos"])) == 3
    (said,) = caplog.messages
    assert "2 of .heic" in said
    assert "1 of .txt" in said
    assert "png" not in said
