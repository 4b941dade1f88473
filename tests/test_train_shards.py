import io
import tarfile
from pathlib import Path

import pytest
from train_shards import pack, read_members


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    """A tar file of these."""
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize("most", [40_000, 10**9])
def test_all_members_come_once_and_no_shard_is_too_large(tmp_path: Path, most: int) -> None:
    """Names that two tar files share do not matter; the same input gives the same bytes."""
    first = write_tar(tmp_path / "a.tar", {f"{n}.avif": bytes([n]) * (700 * n) for n in range(12)})
    second = write_tar(tmp_path / "b.tar", {"0.avif": b"other", "1.webp": bytes(512)})
    given = [data for _, data in read_members([first, second])]
    paths = pack(read_members([first, second]), tmp_path / "out", most)
    assert len(paths) == (1 if most > 10**6 else 3)
    assert all(path.stat().st_size <= most for path in paths)
    found = list(read_members(paths))
    assert [data for _, data in found] == given
    assert len({name for name, _ in found}) == 14
    assert found[-1][0].endswith(".webp")
    again = pack(read_members([first, second]), tmp_path / "again", most)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in paths]
