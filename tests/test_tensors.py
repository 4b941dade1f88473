"""Foreign torch files are read for their tensors; nothing in them is run."""

import functools
import sys
import tarfile
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from clips import small_disk
from safetensors import safe_open

from vidcolor.errors import ModelError
from vidcolor.models.tensors import read_tensors, write_tensors

STATE = OrderedDict(
    {
        "a.weight": torch.arange(6.0).reshape(2, 3),
        "a.half": torch.ones(3, dtype=torch.float16),
        "a.num_batches_tracked": torch.tensor(7),
    }
)


def save(path: Path, content: Any, *, legacy: bool) -> Path:
    """Write a torch file of either format."""
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def assert_read(path: Path) -> None:
    """All tensors come out as they went in."""
    found = read_tensors(path)
    assert found.keys() == STATE.keys()
    for key, value in STATE.items():
        assert found[key].dtype == value.dtype
        assert torch.equal(found[key], value), key


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("wrapping", [None, "params", "params_ema", "model"])
def test_both_formats_and_all_wrappings_are_read(
    tmp_path: Path, legacy: bool, wrapping: str | None
) -> None:
    """A bare state dict, or one under the key where BasicSR or fastai keep it."""
    content = STATE if wrapping is None else {wrapping: STATE}
    assert_read(save(tmp_path / "file", content, legacy=legacy))


def fastai_file(path: Path) -> Path:
    """As fastai 1.0 leaves it: the optimizer's maker is a partial."""
    maker = functools.partial(torch.optim.Adam, betas=(0.9, 0.99))
    options = {"opt_state": {"state": {}, "param_groups": []}, "opt_func": maker}
    return save(path, {"model": STATE, "opt": options}, legacy=True)


def test_what_belongs_to_an_optimizer_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has the bytes that torch itself refuses; nothing of it is called."""
    path = fastai_file(tmp_path / "file.pth")
    assert path.read_bytes()[:8] == bytes.fromhex("80028a0a6cfc9c46")
    with pytest.raises(Exception, match=r"functools\.partial"):
        torch.load(path, weights_only=True)
    monkeypatch.setattr(torch.optim.Adam, "__init__", lambda *_, **__: pytest.fail("was made"))
    assert_read(path)


def test_classes_of_fastai_need_not_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class of a library that is not installed is not missed, whatever its state."""
    module = types.ModuleType("fastai.callback")
    module.OptimWrapper = type("OptimWrapper", (), {"__module__": "fastai.callback"})
    monkeypatch.setitem(sys.modules, "fastai", types.ModuleType("fastai"))
    monkeypatch.setitem(sys.modules, "fastai.callback", module)
    wrapper = module.OptimWrapper()
    wrapper.hyper = {"lr": 1e-3}
    path = save(tmp_path / "file", {"model": STATE, "opt": wrapper}, legacy=True)
    monkeypatch.undo()
    assert_read(path)


class Marked:
    """Harmless, and foreign: as it is read it would call a function of its file's choosing."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("code was run",)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("foreign", "named"),
    [(Marked(), "_Fail"), (types.SimpleNamespace(), "SimpleNamespace"), (len, "len")],
)
def test_foreign_classes_are_refused(
    tmp_path: Path, legacy: bool, foreign: object, named: str
) -> None:
    """By their name, in one line, wherever they are in the file."""
    path = save(tmp_path / "file", {"model": STATE, "opt": [foreign]}, legacy=legacy)
    with pytest.raises(ModelError, match="not weights that can be read safely") as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)
    if legacy:
        assert caught.match(named)


@pytest.mark.parametrize("module", ["torch.optimal", "fastaix", "os", "torch.hub", "functools"])
def test_only_the_very_names_pass(tmp_path: Path, module: str) -> None:
    """No others that begin alike, and of functools the partial alone."""
    name = "reduce" if module == "functools" else "system"
    pickled = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"."
    path = save(tmp_path / "file", STATE, legacy=True)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"ccollections\nOrderedDict\n", pickled[2:-1], 1))
    with pytest.raises(ModelError, match=f"it names {module}.{name}"):
        read_tensors(path)


def test_a_stand_in_among_the_weights_is_refused(tmp_path: Path) -> None:
    """Weights are tensors, each of them."""
    mixed = STATE | {"b": functools.partial(torch.optim.Adam)}
    path = save(tmp_path / "file", {"model": mixed}, legacy=True)
    with pytest.raises(ModelError, match="where weights should be"):
        read_tensors(path)


@pytest.mark.parametrize("content", [{}, [torch.zeros(2)], {"model": {}}, {3: torch.zeros(2)}])
def test_what_are_no_weights_is_refused(tmp_path: Path, content: object) -> None:
    """Nothing, a list, or names that are none."""
    with pytest.raises(ModelError, match="holds"):
        read_tensors(save(tmp_path / "file", content, legacy=False))


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x80", b"PK\x03\x04", b"\x80\x02."])
def test_damaged_files_are_one_line(tmp_path: Path, data: bytes) -> None:
    """Whatever torch says of them."""
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="not weights that can be read safely") as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)


def test_tar_files_are_not_even_tried(tmp_path: Path) -> None:
    """Torch has a third format, older than all weights here."""
    path = tmp_path / "file"
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "storages")
    with pytest.raises(ModelError, match="it begins with b'"):
        read_tensors(path)


def test_a_cut_legacy_file_is_one_line(tmp_path: Path) -> None:
    """Half of the storages are not there."""
    path = save(tmp_path / "file", STATE, legacy=True)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ModelError, match="not weights that can be read safely"):
        read_tensors(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    """With the system's words."""
    with pytest.raises(ModelError, match=r"gone.pth: cannot be read \(No such file"):
        read_tensors(tmp_path / "gone.pth")


def test_what_is_written_is_read_by_the_library(tmp_path: Path) -> None:
    """Equal tensors make equal bytes, in whatever order they come."""
    path, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    turned = torch.arange(6.0).reshape(3, 2).T
    write_tensors(path, STATE | {"turned": turned}, {"net": "x", "licence": "MIT"})
    write_tensors(
        other, dict(reversed((STATE | {"turned": turned}).items())), {"licence": "MIT", "net": "x"}
    )
    assert path.read_bytes() == other.read_bytes()
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"net": "x", "licence": "MIT"}
        assert set(file.keys()) == {*STATE, "turned"}
        assert torch.equal(file.get_tensor("turned"), turned)
        for key, value in STATE.items():
            assert torch.equal(file.get_tensor(key), value)
            assert file.get_tensor(key).dtype == value.dtype


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """Neither the file nor a part of it."""
    large = {"large": torch.zeros(1 << 20)}
    with small_disk(tmp_path, "1m") as disk:
        with pytest.raises(OSError, match="No space left"):
            write_tensors(disk / "a.safetensors", large, {})
        assert list(disk.iterdir()) == []
