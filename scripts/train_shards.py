"""Packs photographs of tar files anew, into shards that no one is larger than is allowed.

python scripts/train_shards.py photos/*.tar --out shards --bytes 58000000
"""

import argparse
import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

END_BYTES = 20 * tarfile.BLOCKSIZE
"""What a tar file ends with, at most."""


def read_members(tars: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file, in order."""
    for tar in tars:
        with tarfile.open(tar) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name, file.read()


def pack(members: Iterator[tuple[str, bytes]], folder: Path, most: int) -> list[Path]:
    """Write the members to shard-00.tar and so on; the paths.

    Names are made anew, since those of several tar files may be alike; times are 0, so that the
    same pictures give the same bytes.

    Args:
        members: Name and bytes of each file.
        folder: Where the shards go; made if need be.
        most: Bytes a shard, above any member's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    archive, used = None, most
    for number, (name, data) in enumerate(members):
        size = tarfile.BLOCKSIZE * (1 - -len(data) // tarfile.BLOCKSIZE)
        if archive is None or used + size > most:
            if archive is not None:
                archive.close()
            paths.append(folder / f"shard-{len(paths):02d}.tar")
            archive = tarfile.open(paths[-1], "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            used = END_BYTES
        member = tarfile.TarInfo(f"{number:06d}{Path(name).suffix}")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
        used += size
    if archive is not None:
        archive.close()
    return paths


def main() -> None:
    """Packs, and tells the shards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tars", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bytes", type=int, default=58_000_000, help="of a shard, at most")
    args = parser.parse_args()
    for path in pack(read_members(args.tars), args.out, args.bytes):
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
