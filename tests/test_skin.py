from pathlib import Path

import numpy as np
import pytest
import torch
from photo_figures import FACES, find_skin

from vidcolor.errors import SourceError
from vidcolor.evaluation.photos import fit_picture
from vidcolor.evaluation.skin import Box, draw_boxes, has_skin_color, read_faces


def picture(*colors: tuple[int, int, int]) -> torch.Tensor:
    """One pixel of each color, (3, 1, N) in [0, 1]."""
    return torch.tensor(colors).T[:, None].float() / 255


def test_skins_are_skin_and_other_things_are_not() -> None:
    """Pale, brown and dark skin; then grey, a green leaf, the sky and a red car."""
    skins = picture((241, 194, 165), (198, 134, 98), (92, 56, 40))
    others = picture((128, 128, 128), (60, 130, 40), (110, 160, 230), (220, 20, 30))
    assert has_skin_color(skins).all()
    assert not has_skin_color(others).any()


@pytest.mark.parametrize(
    ("cb", "cr", "expected"),
    [
        (110, 132, False), (110, 134, True), (110, 172, True), (110, 174, False),
        (76, 150, False), (78, 150, True), (126, 150, True), (128, 150, False),
    ],
)  # fmt: skip
def test_the_gamut_ends_at_the_codes_of_the_paper(cb: int, cr: int, *, expected: bool) -> None:
    """A color made of Y' 120 and those codes by BT.601's inverse in studio range."""
    luma, blue, red = (120 - 16) / 219, (cb - 128) / 224 * 1.772, (cr - 128) / 224 * 1.402
    r, b = luma + red, luma + blue
    g = (luma - 0.299 * r - 0.114 * b) / 0.587
    assert has_skin_color(torch.tensor([r, g, b]).reshape(3, 1, 1)).item() is expected


def test_faces_are_read_by_archive_and_member(tmp_path: Path) -> None:
    """A photograph may have several; what is no such table is named."""
    table = tmp_path / "faces.tsv"
    head = "archive\tmember\tleft\ttop\twidth\theight\n"
    table.write_text(f"{head}a.tar\t1.webp\t0.1\t0.2\t0.3\t0.4\na.tar\t1.webp\t0\t0\t1\t1\n")
    assert read_faces(table) == {("a.tar", "1.webp"): [Box(0.1, 0.2, 0.3, 0.4), Box(0, 0, 1, 1)]}
    table.write_text("archive\tmember\na.tar\t1.webp\n")
    with pytest.raises(SourceError, match=r"faces\.tsv: not a table of faces"):
        read_faces(table)
    with pytest.raises(SourceError, match="cannot be read"):
        read_faces(tmp_path / "none.tsv")


def test_the_faces_marked_lie_inside_their_photographs() -> None:
    """At least 60 photographs have one, 40 of them from sources that nothing is learned from."""
    faces = read_faces(FACES)
    assert sum(archive == "val-sources.tar" for archive, _ in faces) >= 40
    assert len(faces) >= 60
    for left, top, width, height in (box for boxes in faces.values() for box in boxes):
        assert 0 <= left < left + width <= 1
        assert 0 <= top < top + height <= 1


def test_boxes_are_drawn_in_parts_of_the_picture() -> None:
    """A tenth of 20 pixels is two, and nothing else is touched."""
    drawn = draw_boxes([Box(0.1, 0.5, 0.4, 0.25)], 40, 20)
    expected = np.zeros((40, 20, 3), np.uint8)
    expected[20:30, 2:10] = 255
    np.testing.assert_array_equal(drawn, expected)


def test_skin_moves_with_the_picture_when_it_is_fitted() -> None:
    """In a picture cut at both ends and shrunk to half, the box is found where the face now is."""
    rgb = np.full((128, 200, 3), (198, 134, 98), np.uint8)
    rgb[:, :100] = 128  # no skin
    skin = find_skin([Box(0.25, 0.25, 0.5, 0.5)], rgb, fit_picture(rgb, 64))
    assert skin is not None
    expected = np.zeros((64, 96), bool)  # 100 wide, 2 cut off at the left
    expected[16:48, 48:73] = True
    np.testing.assert_array_equal(skin.numpy(), expected)


def test_a_few_pixels_are_no_skin() -> None:
    """Without a face, and with one of a few pixels, a photograph has no figures of skin."""
    rgb = np.full((64, 64, 3), (198, 134, 98), np.uint8)
    srgb = fit_picture(rgb, 64)
    assert find_skin([], rgb, srgb) is None
    assert find_skin([Box(0, 0, 0.1, 0.1)], rgb, srgb) is None
