import errno
import hashlib
import re
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors import safe_open

from vidcolor.color.bins import BIN_CENTERS, BIN_COUNT
from vidcolor.errors import ModelError
from vidcolor.models import downloads as fetching
from vidcolor.models import released, zoo
from vidcolor.models.weights import Weights, build_net
from vidcolor.models.zoo import load_model
from vidcolor.nets.ddcolor import DDColorNet
from vidcolor.nets.eccv16 import Eccv16Net
from vidcolor.nets.guests import GUESTS
from vidcolor.nets.siggraph17 import Siggraph17Net
from vidcolor.nets.unet import UNet
from vidcolor.nets.vgg import VggNet
from vidcolor.training import backbones

FILE = released.RELEASED["eccv16"].file.name

# The released file's names, beside the batch norms' own of models 1 to 7.
WIDTHS = {1: (64, 2), 2: (128, 2), 3: (256, 3), **dict.fromkeys((4, 5, 6, 7), (512, 3))}


def released_state() -> dict[str, torch.Tensor]:
    """Random tensors under the names and in the shapes of the released file, bins shuffled."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        # So that what goes in is still to be seen in what comes out of 23 layers.
        inputs_of_each = torch.Size(shape[1:]).numel()
        scale = (2 / inputs_of_each) ** 0.5 if len(shape) > 1 else 0.02
        return scale * torch.randn(shape, generator=generator)

    state, inputs = {}, 1
    for number, (width, count) in WIDTHS.items():
        for index in range(0, 2 * count, 2):
            state[f"model{number}.{index}.weight"] = random(width, inputs, 3, 3)
            state[f"model{number}.{index}.bias"] = random(width)
            inputs = width
        norm = f"model{number}.{2 * count}"
        state |= {f"{norm}.{name}": random(width).abs() + 1 for name in ("weight", "running_var")}
        state |= {f"{norm}.{name}": random(width) for name in ("bias", "running_mean")}
        state[f"{norm}.num_batches_tracked"] = torch.tensor(1)
    state |= {"model8.0.weight": random(512, 256, 4, 4), "model8.0.bias": random(256)}
    for index in (2, 4):
        state[f"model8.{index}.weight"] = random(256, 256, 3, 3)
        state[f"model8.{index}.bias"] = random(256)
    state |= {"model8.6.weight": random(BIN_COUNT, 256, 1, 1), "model8.6.bias": random(BIN_COUNT)}
    order = torch.randperm(BIN_COUNT, generator=generator)
    state["model_out.weight"] = (BIN_CENTERS[order] / 110).T[..., None, None]
    return state


def believe(path: Path, monkeypatch: pytest.MonkeyPatch, name: str = "eccv16") -> str:
    """Have a file's hash taken for that of the one released; the hash."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    one = released.RELEASED[name]
    file = one.file._replace(sha256=digest)
    monkeypatch.setitem(released.RELEASED, name, replace(one, file=file))
    return digest


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as it was released, but for its values."""
    path = tmp_path_factory.mktemp("released") / FILE
    torch.save(released_state(), path)
    return path


@pytest.fixture
def trusted(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That file, its checksum taken for the right one."""
    believe(file, monkeypatch)
    return file


def test_the_released_names_load(trusted: Path) -> None:
    """Every tensor has its place in our net; colors are those of the authors' own formula."""
    state = released_state()
    net = build_net(released.read_released(trusted), trusted).eval()
    lightness = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(1)) * 100
    theirs = Eccv16Net()
    theirs.load_state_dict({k: v for k, v in state.items() if k != "model_out.weight"})
    with torch.no_grad():
        logits = theirs.eval()((lightness - 50) / 100)
        colors = 110 * torch.nn.functional.conv2d(logits.softmax(1), state["model_out.weight"])
        ours = net(lightness / 50 - 1).softmax(1)
    found = torch.einsum("nbhw,bc->nchw", ours, BIN_CENTERS)
    torch.testing.assert_close(found, colors, atol=1e-3, rtol=1e-3)


def test_it_is_found_in_the_cache_by_its_name(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once fetched, the network is not asked again."""
    monkeypatch.setattr(fetching.platformdirs, "user_cache_path", lambda _: trusted.parent)
    monkeypatch.setattr(fetching, "urlopen", lambda *_, **__: pytest.fail("fetched"))
    model = load_model("eccv16", "cpu")
    assert model.name == "eccv16"
    assert model.decoding is not None
    assert model.decoding.temperature == 1


def test_a_wrong_checksum_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line that names both, whatever else the file may be; nothing of it is unpickled."""
    monkeypatch.setattr(released, "read_tensors", lambda _: pytest.fail("was read"))
    for name in ("eccv16", "siggraph17"):
        begins = released.RELEASED[name].file.sha256[:12]
        with pytest.raises(ModelError, match=r"not the released weights \(SHA-256 begins") as told:
            load_model(f"{name}={file}", "cpu")
        assert f"not {begins})" in str(told.value)
        assert "\n" not in str(told.value)
    with pytest.raises(ModelError, match="not a released file that is known here") as told:
        load_model(file, "cpu")
    assert hashlib.sha256(file.read_bytes()).hexdigest() in str(told.value)
    assert "--model NAME=PATH" in str(told.value)


def test_without_a_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address and the way to give the file by its path."""

    def fail(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(fetching.platformdirs, "user_cache_path", lambda _: tmp_path)
    monkeypatch.setattr(fetching, "urlopen", fail)
    with pytest.raises(ModelError, match=r"eccv16's released weights: cannot be fetched") as told:
        load_model("eccv16", "cpu")
    assert released.RELEASED["eccv16"].file.urls[0] in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("fault", ["code", "another net", "other bins"])
def test_what_is_not_the_net_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Pickled code is not run; a file of something else is no model."""
    path = tmp_path / "other.pth"
    state = released_state()
    if fault == "code":
        torch.save({"x": _Evil()}, path)
    elif fault == "another net":
        torch.save({"x": torch.zeros(2)}, path)
    else:
        torch.save(state | {"model_out.weight": torch.zeros(2, BIN_COUNT, 1, 1)}, path)
    believe(path, monkeypatch)
    with pytest.raises(ModelError, match="not the weights of eccv16; fetch it again") as caught:
        load_model(path, "cpu")
    assert "\n" not in str(caught.value)


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return pytest.fail, ("code was run",)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folders."""
    monkeypatch.setattr(fetching.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.setattr(fetching.platformdirs, "user_data_path", lambda _: tmp_path / "data")
    return tmp_path


@pytest.fixture(scope="module")
def hinted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as siggraph17's authors released theirs, but for its values."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("hinted") / "siggraph17.pth"
    torch.save(Siggraph17Net().state_dict(), path)
    return path


def test_guests_are_converted_once(
    folder: Path, hinted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the cache's file only what the program reads is left; that says what it was made of."""
    digest = believe(hinted, monkeypatch, "siggraph17")
    cached = fetching.cache_path(released.RELEASED["siggraph17"].file)
    cached.parent.mkdir()
    shutil.copy(hinted, cached)
    model = load_model("siggraph17", "cpu")
    assert (model.name, model.decoding, model.dtype) == ("siggraph17", None, torch.float32)
    assert (model.render_size, model.gmac) == (256, 75)
    converted = folder / "data" / "models" / "siggraph17.safetensors"
    assert not cached.exists()
    with safe_open(converted, "pt") as file:
        assert file.metadata()["source_sha256"] == digest
        assert file.metadata()["licence"] == "BSD-2-Clause"
    x = torch.rand(1, 1, 16, 24) * 100
    theirs = Siggraph17Net().eval()
    theirs.load_state_dict(torch.load(hinted))
    with torch.no_grad():
        torch.testing.assert_close(model.net.net(x), theirs(x), atol=1e-3, rtol=1e-4)
    monkeypatch.setattr(released, "write_tensors", lambda *_: pytest.fail("was converted again"))
    monkeypatch.setattr(fetching, "urlopen", lambda *_, **__: pytest.fail("fetched"))
    for given in ("siggraph17", f"siggraph17={hinted}", hinted, f"siggraph17={converted}"):
        assert load_model(given, "cpu").sha256 == model.sha256


def test_a_guest_s_net_must_fit(
    folder: Path, hinted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of another net is named, though its hash be believed; nothing is kept of it."""
    believe(hinted, monkeypatch, "ddcolor-tiny")
    with pytest.raises(ModelError, match="does not fit the ddcolor-tiny net") as told:
        load_model(f"ddcolor-tiny={hinted}", "cpu")
    assert "\n" not in str(told.value)
    assert not (folder / "data").exists()
    with pytest.raises(ModelError, match=r"holds the weights of lite, not of siggraph17"):
        load_model(f"siggraph17={own_file('lite')}", "cpu")


def own_file(name: str) -> Path:
    """The weights that ship."""
    return Path(zoo.__file__).with_name(zoo.PACKAGED[name])


@pytest.mark.usefixtures("folder")
def test_an_unknown_hash_is_for_the_user_to_compare(caplog: pytest.LogCaptureFixture) -> None:
    """A fetched file is not believed; one that is named is, and its hash is told."""
    one = released.RELEASED["ddcolor-paper"]
    assert one.file.sha256 == ""
    cached = fetching.cache_path(one.file)
    cached.parent.mkdir()
    torch.save({"x": torch.zeros(1)}, cached)
    digest = hashlib.sha256(cached.read_bytes()).hexdigest()
    with pytest.raises(ModelError, match="its publisher's hash is not known here") as told:
        load_model("ddcolor-paper", "cpu")
    assert digest in str(told.value)
    assert f"--model ddcolor-paper={cached}" in str(told.value)
    with pytest.raises(ModelError, match="does not fit the ddcolor-paper net"):
        load_model(f"ddcolor-paper={cached}", "cpu")
    assert digest in caplog.text


@pytest.mark.usefixtures("folder")
def test_a_disk_without_room_for_the_converted_file(
    hinted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and the file that was fetched stays."""
    believe(hinted, monkeypatch, "siggraph17")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(released, "write_tensors", fail)
    with pytest.raises(ModelError, match=r"cannot be converted to .* \(No space left") as told:
        load_model(f"siggraph17={hinted}", "cpu")
    assert "\n" not in str(told.value)
    assert hinted.exists()


def test_extra_and_missing_keys_of_releases_are_known() -> None:
    """DDColor's unused classifier goes, its constants come; counters may lack; all else counts."""
    with torch.device("meta"):
        layout = DDColorNet().state_dict()
    whole = {key: torch.empty(value.shape) for key, value in layout.items()}
    extra = {f"encoder.arch.head_cls.{name}": torch.zeros(4) for name in ("weight", "bias")}
    lacking = {key: value for key, value in whole.items() if key not in {"mean", "std"}}
    for state in (whole | extra, lacking | extra):
        found = released.for_our_net(state)
        assert found.keys() == {key for key in whole if "num_batches" not in key}
    assert found["mean"].flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    weights = Weights(
        name="ddcolor-tiny", net=found, shape={}, bin_prior=None, decoding=None, metadata={}
    )
    build_net(weights, Path("file"))
    weights.net["encoder.arch.norm9.weight"] = torch.zeros(3)
    with pytest.raises(ModelError, match="does not fit the ddcolor-tiny net: Unexpected key"):
        build_net(weights, Path("file"))


def test_the_table_is_whole() -> None:
    """Every guest has a row; hashes are whole, addresses safe, files have names of their own."""
    assert released.RELEASED.keys() == GUESTS.keys() | {"eccv16"}
    for backbone in backbones.BACKBONES.values():
        assert re.fullmatch("[0-9a-f]{64}", backbone.sha256)
        assert backbone.file.endswith(
            f"-{backbone.sha256[:8]}.pth"
        )  # as torchvision names its files
    for name, one in released.RELEASED.items():
        for digest in (one.file.sha256, *one.other_sha256):
            assert re.fullmatch("[0-9a-f]{64}", digest) or name == "ddcolor-paper"
        assert all(url.startswith("https://") for url in one.file.urls)
        assert one.licence in {"Apache-2.0", "MIT", "BSD-2-Clause"}
        assert Path(one.file.name).suffix in released.SUFFIXES
    assert len({one.file.name for one in released.RELEASED.values()}) == len(released.RELEASED)


def resnet_state() -> dict[str, torch.Tensor]:
    """ResNet-18's tensors as torchvision names them, its first kernels for three colors."""
    torch.manual_seed(0)
    state = {key: value + 1 for key, value in UNet().encoder.state_dict().items()}
    state["conv1.weight"] = torch.arange(3.0).reshape(1, 3, 1, 1).expand(64, 3, 7, 7).clone()
    return state | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}


def test_a_body_takes_released_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tensor of the backbone comes from the file, the colors' kernels summed."""
    path = tmp_path / "resnet18-f37072fd.pth"
    released = resnet_state()
    torch.save(released, path)
    net = UNet()
    with pytest.raises(ModelError, match=r"not the released weights .* not f37072fd"):
        backbones.load_backbone(net, "pix2pix", str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    part = backbones.BACKBONES["pix2pix"]._replace(sha256=f"{digest[:32]}{32 * '0'}")
    monkeypatch.setitem(backbones.BACKBONES, "pix2pix", part)
    with pytest.raises(ModelError, match="not the released weights"):
        backbones.load_backbone(net, "pix2pix", str(path))
    backbone = part._replace(sha256=digest)
    monkeypatch.setitem(backbones.BACKBONES, "pix2pix", backbone)
    told = backbones.load_backbone(net, "pix2pix", str(path))
    assert backbone.file in told
    for key, value in net.encoder.state_dict().items():
        if key == "conv1.weight":
            assert (value == 3).all()
        else:
            assert torch.equal(value, released[key]), key


def test_a_body_without_some_of_its_tensors_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is left as it was born; only counters that nobody reads may lack."""
    whole = resnet_state()
    counted = {key: value for key, value in whole.items() if "num_batches" not in key}
    lacking = {key: value for key, value in whole.items() if key != "layer1.0.conv1.weight"}
    monkeypatch.setattr(backbones, "refuse_other_file", lambda *_: None)
    for state, raises in ((counted, False), (lacking, True)):
        path = tmp_path / "resnet18.pth"
        torch.save(state, path)
        expected = (
            pytest.raises(ModelError, match="not the weights of") if raises else nullcontext()
        )
        with expected:
            backbones.load_backbone(UNet(), "pix2pix", str(path))


def test_vgg_has_torchvision_s_names() -> None:
    """Convolutions lie where they lie in VGG-16's `features`."""
    kernels = [k for k in VggNet().encoder.state_dict() if k.endswith("weight")]
    places = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21)
    assert kernels == [f"features.{place}.weight" for place in places]


def test_nets_without_a_body_say_so() -> None:
    """The error lists those that have one."""
    with pytest.raises(
        ModelError, match=r"gan: has no backbone to load; those that have are pix2pix"
    ):
        backbones.load_backbone(UNet(), "gan", "download")
