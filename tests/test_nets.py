from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import soft_shot, write_film

from vidcolor import colorize_video
from vidcolor.cli.main import main
from vidcolor.color.bins import BIN_COUNT, Decoding
from vidcolor.color.decode import AB_UNIT
from vidcolor.errors import ModelError
from vidcolor.models import zoo
from vidcolor.models.predict import predict_histograms
from vidcolor.models.weights import save_weights
from vidcolor.models.zoo import load_model
from vidcolor.nets.eccv16 import Eccv16Net
from vidcolor.nets.guests import GUESTS
from vidcolor.nets.residual import ResidualNet
from vidcolor.nets.table import NETS
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import ModelSettings, OutputSettings, RefineSettings, Settings

LIGHT = GUESTS["siggraph17"]  # of the nets of others the smallest
# One of each code, the smaller layout; the larger ones have the same parts, more and wider.
_OTHERS = {"ddcolor-tiny", "deoldify-artistic", "siggraph17"}
UNPACKAGED = [
    pytest.param(name, marks=() if GUESTS.get(name, LIGHT) is LIGHT else pytest.mark.slow)
    for name in sorted(NETS.keys() - zoo.PACKAGED.keys())
    if name not in GUESTS or name in _OTHERS
]
EVEN = Decoding(rebalancing_weight=torch.ones(BIN_COUNT))

# Convolutions by name, each inputs, outputs, kernel's side: what the papers' tables count.
ECCV16 = (
    [("conv1", 1, 64, 3), ("conv1", 64, 64, 3), ("conv2", 64, 128, 3), ("conv2", 128, 128, 3)]
    + [("conv3", 128, 256, 3)] + 2 * [("conv3", 256, 256, 3)]
    + [("conv4", 256, 512, 3)] + 2 * [("conv4", 512, 512, 3)]
    + [(name, 512, 512, 3) for name in ("conv5", "conv6", "conv7") for _ in range(3)]
    + [("conv8", 512, 256, 4)] + 2 * [("conv8", 256, 256, 3)] + [("pred", 256, 313, 1)]
)  # fmt: skip
RESIDUAL = [
    ("conv0", 1, 64, 3),
    ("block1", 64, 256, 3), ("block1", 256, 256, 3), ("block1", 64, 256, 1),
    ("block2", 256, 256, 3), ("block2", 256, 256, 3), ("block2", 256, 256, 1),
    ("block3", 256, 512, 3), ("block3", 512, 512, 3), ("block3", 256, 512, 1),
    ("block4", 512, 512, 3), ("block4", 512, 512, 3), ("block4", 512, 512, 1),
    ("conv5", 512, 512, 3), ("pred", 512, 313, 1),
]  # fmt: skip


def counted(layers: list[tuple[str, int, int, int]]) -> list[int]:
    """Parameters of each convolution, its bias included."""
    return [inputs * outputs * side**2 + outputs for _, inputs, outputs, side in layers]


def convolutions(net: torch.nn.Module) -> list[int]:
    """The same as the net has them."""
    return [
        sum(parameter.numel() for parameter in module.parameters())
        for module in net.modules()
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d)
    ]


def test_the_plain_net_is_the_paper_s() -> None:
    """22 convolutions in 8 blocks and the prediction, 32.2 million parameters in all."""
    with torch.device("meta"):
        net = Eccv16Net()
    assert convolutions(net) == counted(ECCV16)
    assert len(ECCV16) == 22 + 1
    total = sum(parameter.numel() for parameter in net.parameters())
    assert round(total / 1e6, 1) == 32.2
    assert net(torch.zeros(1, 1, 256, 256, device="meta")).shape == (1, 313, 64, 64)


def test_the_residual_net_is_the_report_s() -> None:
    """Its blocks have the report's widths, and nothing pools: predictions are for 2 x 2 pixels."""
    with torch.device("meta"):
        net = ResidualNet()
    assert convolutions(net) == counted(RESIDUAL)
    assert not any("Pool" in type(module).__name__ for module in net.modules())
    norms = [m.num_features for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms == [256, 256, 512, 512, 512]
    assert net(torch.zeros(1, 1, 64, 96, device="meta")).shape == (1, 313, 32, 48)


def put(name: str, folder: Path) -> Path:
    """Random weights of a net, as training leaves them."""
    torch.manual_seed(1)
    path = folder / f"{name}.safetensors"
    known = {"bin_prior": EVEN.rebalancing_weight / BIN_COUNT, "decoding": EVEN}
    is_binned = NETS[name].predicts == "bins"
    save_weights(path, NETS[name].make({}), name=name, about={}, **(known if is_binned else {}))
    return path


@pytest.mark.parametrize("name", UNPACKAGED)
def test_every_net_colors_a_film(name: str, tmp_path: Path) -> None:
    """Whatever it predicts goes through smoothing, sidecar and dump; the luma stays as it was."""
    put(name, tmp_path)
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 2))
    command = ["--model", str(tmp_path / f"{name}.safetensors"), "--device", "cpu", "--lossless"]
    command += ["--render-size", "64", "--verify", "--every", "1", "-q"]
    dump = ["--dump", str(tmp_path / "look"), "--dump-frames", "0-1"]
    result = tmp_path / "out.mkv"
    assert main([str(film), "-o", str(result), *command, *dump]) == 0
    with av.open(str(result)) as opened:
        frames = list(opened.decode(video=0))
    for frame, luma in zip(frames, soft_shot(1, 2), strict=True):
        plane = np.frombuffer(frame.planes[0], np.uint8).reshape(luma.shape[0], -1)
        np.testing.assert_array_equal(plane[:, : luma.shape[1]], luma)
    told = read_sidecar(tmp_path / "out.json")
    assert told["verification"]["unequal_luma"] == 0
    confidence = told["shots"][0]["confidence"]
    assert (confidence is None) == (NETS[name].predicts == "ab")
    made = {path.name for path in (tmp_path / "look").rglob("*")}
    assert {"net-ab.png", "smooth-ab.png"} <= made
    assert ("net-entropy.png" in made) == (NETS[name].predicts == "bins")


@pytest.mark.parametrize("name", ["small-l2", "residual-l2", "residual", "eccv16"])
def test_predictions_are_means_over_squares(name: str, tmp_path: Path) -> None:
    """Finer outputs are averaged to 4 x 4 pixels, histograms as probabilities, in their unit."""
    model = replace(load_model(put(name, tmp_path), "cpu"), dtype=torch.float32)
    model.net.float()
    lightness = np.random.default_rng(0).uniform(0, 100, (2, 24, 40)).astype(np.float32)
    found = [h.map for h in predict_histograms(lightness, model, 2)]
    padded = np.pad(lightness, ((0, 0), (0, 8), (0, 24)), "edge")
    output = model.net(torch.from_numpy(padded)[:, None] / 50 - 1)
    values = output.softmax(1) if model.decoding else AB_UNIT * output
    stride = 4 * output.shape[-1] // padded.shape[-1]
    means = values.unfold(2, stride, stride).unfold(3, stride, stride).mean((-1, -2))
    torch.testing.assert_close(
        torch.stack(found).float(), means[:, :, :6, :10], atol=1e-4, rtol=1e-3
    )


def test_nets_that_do_not_ship_say_how_they_are_come_by(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A name without weights is one line; put where it says, they are found by the name."""
    monkeypatch.setattr(zoo.platformdirs, "user_data_path", lambda _: tmp_path)
    with pytest.raises(ModelError, match=r"small-l2: its weights are not included") as caught:
        load_model("small-l2", "cpu")
    assert "\n" not in str(caught.value)
    folder = tmp_path / "models"
    folder.mkdir()
    put("small-l2", folder)
    assert load_model("small-l2", "cpu").decoding is None


def test_scribble_needs_to_know_how_sure_a_model_is(tmp_path: Path) -> None:
    """With a model of plain colors it is refused in one line."""
    film = write_film(tmp_path / "film.mkv", soft_shot(1, 3))
    settings = Settings(
        model=ModelSettings(name=str(put("small-l2", tmp_path)), device="cpu", render_size=64),
        output=OutputSettings(lossless=True),
        refine=RefineSettings(method="scribble"),
    )
    with pytest.raises(ModelError, match="scribble needs a model that states its confidence"):
        colorize_video(film, tmp_path / "out.mkv", settings)
    assert not (tmp_path / "out.mkv").exists()
