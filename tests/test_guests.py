"""The nets of others as ours are asked, and two answers as one."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vidcolor.color.bins import BIN_COUNT, decode_annealed_mean
from vidcolor.color.decode import AB_UNIT, decode_prediction
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma
from vidcolor.errors import ModelError
from vidcolor.models import slowness, zoo
from vidcolor.models.merge import ERROR_TO_DIFFERENCE, Merged, Mirrored, Part
from vidcolor.models.predict import predict_histograms
from vidcolor.models.tensors import write_tensors
from vidcolor.models.zoo import choose_dtype, find_model, find_net, load_model, suited
from vidcolor.nets.guests import (
    GUESTS,
    Guest,
    Squared,
    ask_ddcolor,
    ask_deoldify,
    ask_siggraph17,
)
from vidcolor.nets.siggraph17 import Siggraph17Net
from vidcolor.settings import RENDER_SIZE, ModelSettings, Settings


class Recorded(nn.Module):
    """Answers as it is told to, and keeps what it was asked."""

    def __init__(self, answer: torch.Tensor) -> None:
        super().__init__()
        self.some = nn.Parameter(torch.zeros(1))
        self.answer = answer
        self.asked: list[torch.Tensor] = []

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        """The answer, whatever is asked."""
        self.asked.extend(given)
        return self.answer.expand(len(given[0]), -1, *given[0].shape[2:])


def constant(*values: float) -> torch.Tensor:
    """A picture of one value a channel."""
    return torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1, 1)


def guest(ask: object, side_multiple: int = 16) -> Guest:
    """A guest that is asked otherwise."""
    one = GUESTS["siggraph17"]
    return replace(one, ask=ask, side_multiple=side_multiple)


def test_pictures_are_squared_for_them_and_back() -> None:
    """Whatever their shape; the map is a quarter of what came, in our unit."""
    seen: list[torch.Tensor] = []

    def ask(_: nn.Module, lightness: torch.Tensor) -> torch.Tensor:
        seen.append(lightness)
        ramp = torch.arange(48.0).expand(2, 1, 48, 48)
        return torch.cat([ramp, -ramp.mT], 1)

    x = torch.linspace(-1, 1, 96).expand(2, 1, 48, 96)
    answer = Squared(Recorded(constant(0)), guest(ask))(x)
    assert seen[0].shape == (2, 1, 48, 48)
    assert (seen[0].min(), seen[0].max()) == (
        pytest.approx(50 / 95, abs=1e-3),
        pytest.approx(100 - 50 / 95, abs=1e-3),
    )
    assert answer.shape == (2, 2, 12, 24)
    torch.testing.assert_close(answer[0, 0, 0] * AB_UNIT, torch.arange(24.0) * 2 + 0.5)
    torch.testing.assert_close(answer[0, 1, :, 0] * AB_UNIT, -(torch.arange(12.0) * 4 + 1.5))


@pytest.mark.parametrize(("multiple", "side"), [(32, 64), (16, 80), (8, 72)])
def test_sides_are_multiples_that_the_net_takes(multiple: int, side: int) -> None:
    """The nearest to the short side of what came."""
    net = Recorded(constant(1, 2))
    Squared(net, guest(ask_siggraph17, multiple))(torch.zeros(1, 1, 75, 128))
    assert net.asked[0].shape == (1, 1, side, side)


def test_ddcolor_is_shown_gray_as_srgb() -> None:
    """The film's Y' three times over; what comes is a* and b* as it is."""
    net = Recorded(constant(20, -30))
    luma = torch.linspace(0, 1, 33)
    lightness = lightness_from_luma(luma).expand(1, 1, 32, 33)
    answer = ask_ddcolor(net, lightness)
    torch.testing.assert_close(net.asked[0], luma.expand(1, 3, 32, 33), atol=1e-5, rtol=0)
    assert answer[0, :, 0, 0].tolist() == [20, -30]


def test_deoldify_s_color_differences_go_onto_the_input_s_luma() -> None:
    """U and V of the clamped answer, by BT.601, with the Y' that came; then Lab."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    rgb = torch.tensor([0.6, 0.35, 0.2])
    net = Recorded(((rgb - mean) / deviation).reshape(1, 3, 1, 1))
    luma = 0.5
    lightness = lightness_from_luma(torch.tensor(luma)).expand(1, 1, 16, 16)
    answer = ask_deoldify(net, lightness)
    torch.testing.assert_close(
        net.asked[0][0, :, 0, 0], (luma - mean) / deviation, atol=1e-5, rtol=0
    )
    y = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    u, v = 0.492 * (rgb[2] - y), 0.877 * (rgb[0] - y)
    red, blue = luma + v / 0.877, luma + u / 0.492
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    expected = lab_from_srgb(torch.stack([red, green, blue]).reshape(3, 1, 1))[1:, 0, 0]
    torch.testing.assert_close(answer[0, :, 3, 3], expected, atol=1e-3, rtol=1e-4)
    net.answer = constant(3, 3, 3)  # beyond white
    assert ask_deoldify(net, lightness).abs().max() < 1e-3


def test_guests_compute_in_float32_here_and_in_float16_on_gpus() -> None:
    """Whatever the processor is fast in."""
    assert choose_dtype(torch.device("cpu"), is_guest=True) == torch.float32
    assert choose_dtype(torch.device("cuda"), is_guest=True) == torch.float16


@pytest.mark.parametrize("name", ["ddcolor-tiny", "ddcolor", "deoldify-artistic", "siggraph17"])
def test_the_table_tells_their_work(name: str) -> None:
    """Multiplications of the net itself, counted by torch; ours saves the sums over 100 maps."""
    from torch.utils.flop_counter import FlopCounterMode

    one = GUESTS[name]
    with torch.device("meta"):
        net = one.make().eval().requires_grad_(requires_grad=False)
        channels = 1 if name == "siggraph17" else 3
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(torch.zeros(1, channels, 256, 256))
    assert counter.get_total_flops() / 2e9 == pytest.approx(one.gmac, rel=0.1)


def random_guest(folder: Path) -> Path:
    """Random weights of the lightest guest, as a file of ours."""
    torch.manual_seed(0)
    net = Siggraph17Net()
    state = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    path = folder / "hint+net.safetensors"  # a path may have a plus sign
    write_tensors(path, state, {"net": "siggraph17", "shape": "{}"})
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, once."""
    return random_guest(tmp_path_factory.mktemp("guest"))


def test_render_sizes_suit_the_model_unless_told(weights: Path) -> None:
    """A guest's own, ours 256, the larger of two; what is asked for stays."""
    settings = Settings()
    assert suited(settings, load_model("lite", "cpu")).model.render_size == RENDER_SIZE == 256
    two = find_net(ModelSettings(name=f"siggraph17={weights}+lite"))
    assert (two.name, two.render_size) == ("siggraph17+lite", 256)
    large = replace(load_model("lite", "cpu"), render_size=512)
    assert suited(settings, large).model.render_size == 512
    asked = Settings(model=ModelSettings(render_size=96))
    assert suited(asked, large) is asked


def test_slow_models_say_so_before(
    weights: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the processor's own speed and the size asked for; ours say nothing."""
    monkeypatch.setattr(slowness, "measure_speed", lambda: 50 / 0.6)
    find_model(ModelSettings(name="lite", device="cpu"))
    assert caplog.text == ""
    find_model(ModelSettings(name=str(weights), device="cpu", render_size=512))
    assert "at 512 px takes about 6 s on this processor for each keyframe" in caplog.text


def test_a_guest_takes_pictures_one_by_one_on_a_processor(weights: Path) -> None:
    """One fills it, and its memory; each answer is that of the picture alone."""
    model = load_model(weights, "cpu")
    sizes: list[int] = []
    model.net.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    lightness = np.random.default_rng(0).uniform(0, 100, (3, 32, 64)).astype(np.float32)
    found = list(predict_histograms(lightness, model, 8))
    assert sizes == [1, 1, 1]
    assert [histogram.map.shape for histogram in found] == 3 * [(2, 8, 16)]
    alone = next(iter(predict_histograms(lightness[1:2], model, 8)))
    assert torch.equal(alone.map, found[1].map)


def two(first: torch.Tensor, second: torch.Tensor, share: float) -> Merged:
    """Two nets of plain colors as one."""
    nets = (Recorded(first / AB_UNIT), Recorded(second / AB_UNIT))
    sizes, shares = (32, 64), (1 - share, share)
    return Merged(
        [
            Part(net=net, decoding=None, render_size=size, share=of)
            for net, size, of in zip(nets, sizes, shares, strict=True)
        ]
    )


@pytest.mark.parametrize("share", [0.5, 0.25, 1.0])
def test_a_merge_is_the_mean_in_ab(share: float) -> None:
    """By their shares; how far they lie apart is the deviation of the two. Each at its size."""
    merged = two(constant(10, 40), constant(30, -20), share)
    answer = AB_UNIT * merged(torch.zeros(1, 1, 64, 128))[0, :, 5, 7]
    mean = [10 + 20 * share, 40 - 60 * share]
    variance = (1 - share) * ((10 - mean[0]) ** 2 + (40 - mean[1]) ** 2)
    variance += share * ((30 - mean[0]) ** 2 + (-20 - mean[1]) ** 2)
    assert answer.tolist() == pytest.approx([*mean, math.sqrt(variance)], abs=1e-3)
    assert [net.asked[0].shape[2:] for net in merged.nets] == [(32, 64), (64, 128)]


def test_a_merge_decodes_histograms_first() -> None:
    """A model merged with itself gives its own colors, and is sure of them."""
    one = load_model("lite", "cpu")
    both = find_model(ModelSettings(name="lite+lite", device="cpu"))
    one = replace(one, net=one.net.float(), dtype=torch.float32)
    both = replace(both, net=both.net.float(), dtype=torch.float32)
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 256, 256)).astype(np.float32)
    (alone,), (merged,) = (list(predict_histograms(lightness, m, 2)) for m in (one, both))
    expected = decode_annealed_mean(alone.map, 0.0, one.decoding).ab
    ab, entropy = decode_prediction(merged.map, None, vividness=0.0)
    torch.testing.assert_close(ab, expected, atol=0.2, rtol=0.01)  # of float16 probabilities
    assert entropy.max() == 0
    assert both.name == "lite+lite"
    assert both.sha256 != one.sha256


def test_shares_decide_what_a_merge_is(weights: Path) -> None:
    """Another share is another model."""
    name = f"siggraph17={weights}+lite"
    hashes = {find_net(ModelSettings(name=name, merge=x)).sha256 for x in (0.5, 0.6)}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("lite", None),
        ("lite+eccv16", ("lite", "eccv16")),
        ("ddcolor=/a+b/c.bin+lite", ("ddcolor=/a+b/c.bin", "lite")),
        ("lite+ddcolor=/a+b/c.bin", ("lite", "ddcolor=/a+b/c.bin")),
        ("no+such", None),
        ("lite+", None),
    ],
)
def test_names_are_joined_by_a_plus_sign(name: str, parts: tuple[str, str] | None) -> None:
    """Unless it belongs to a path."""
    assert zoo.merged_names(name) == parts


def test_a_path_with_a_plus_sign_is_one_model(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is there is no merge, though its halves be models' names."""
    monkeypatch.chdir(tmp_path)
    assert zoo.merged_names("lite+lite") == ("lite", "lite")
    Path("lite+lite").touch()
    assert zoo.merged_names("lite+lite") is None
    assert zoo.merged_names(str(weights)) is None
    assert zoo.merged_names(f"lite+{weights}") == ("lite", str(weights))


def test_mirror_images_tell_how_sure_a_net_is() -> None:
    """The mean of both answers, turned back, and the error that their distance stands for."""
    ramp = torch.arange(8.0).expand(1, 1, 4, 8)
    mirrored = Mirrored(nn.Identity())
    x = torch.cat([ramp, 2 * ramp], 1)
    torch.testing.assert_close(mirrored(x)[:, :2], x)
    assert mirrored(x)[:, 2].abs().max() == 0

    class Sided(nn.Module):
        def forward(self, y: torch.Tensor) -> torch.Tensor:
            return y + torch.tensor([[6.0, 0.0], [8.0, 0.0]]).reshape(1, 2, 1, 2)

    answer = Mirrored(Sided())(torch.zeros(1, 2, 1, 2))
    assert answer[0, :, 0].tolist() == [[3, 3], [4, 4], 2 * [5 * ERROR_TO_DIFFERENCE]]


def test_mirrors_are_for_models_of_plain_colors(weights: Path) -> None:
    """Others tell how sure they are by themselves."""
    with pytest.raises(ModelError, match="lite: states its own confidence; leave out"):
        find_net(ModelSettings(mirror=True))
    alone, mirrored = (find_net(ModelSettings(name=str(weights), mirror=x)) for x in (False, True))
    assert mirrored.gmac == 2 * alone.gmac


def test_deviations_are_told_in_bits_as_histograms_are() -> None:
    """The entropy of a normal distribution over bins of 10 x 10: its sum over bins is the same."""
    deviation = 20.0
    prediction = torch.tensor([5.0, -5.0, deviation]).reshape(3, 1, 1)
    decoded = decode_prediction(prediction, None, vividness=0.0)
    grid = np.arange(-200, 201, 10)
    variance = deviation**2 / 2  # along each axis
    density = np.exp(-(grid[:, None] ** 2 + grid**2) / (2 * variance))
    shares = density / density.sum()
    bits = -(shares * np.log2(shares)).sum()
    assert float(decoded.entropy) == pytest.approx(bits, abs=0.05)
    assert decoded.ab.flatten().tolist() == [5, -5]
    sure, unsure = (
        float(decode_prediction(constant(0, 0, x)[0], None, vividness=0.0).entropy)
        for x in (0.0, 1e4)
    )
    assert (sure, unsure) == (0, pytest.approx(math.log2(BIN_COUNT)))
    assert decode_prediction(constant(0, 0)[0], None, vividness=0.0).entropy.isnan().all()
