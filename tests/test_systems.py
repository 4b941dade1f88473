from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from vidcolor.color.bins import BIN_COUNT
from vidcolor.color.decode import AB_UNIT
from vidcolor.color.lab import lab_from_srgb
from vidcolor.color.luv import ab_from_uv, uv_from_lab
from vidcolor.errors import ModelError
from vidcolor.models.zoo import load_model
from vidcolor.nets.generator import Autoencoder, Coded
from vidcolor.nets.guests import GUESTS
from vidcolor.nets.table import NETS
from vidcolor.nets.unet import UNet
from vidcolor.nets.vgg import CLASSES, VggNet, class_centers, classes_of
from vidcolor.training.adversary import PatchDiscriminator, WholeDiscriminator
from vidcolor.training.learner import WEIGHTS_NAME, Trainer
from vidcolor.training.objective import (
    DIVERGENCE_WEIGHT,
    Example,
    class_entropy,
    huber_luv,
    latent_loss,
    squared_error,
)
from vidcolor.training.systems import (
    SYSTEMS,
    bins_of,
    objective_of,
    refuse_other_net,
    settings_of,
)
from vidcolor.training.targets import average_targets

CPU = torch.device("cpu")
TINY = {"side": 32, "late_side": 32, "batch_size": 2, "warmup_steps": 0, "planned_pictures": 8}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in one order, whatever else the machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_learner(name: str, **given: object) -> Trainer:
    """A net of its own size about to learn."""
    torch.manual_seed(0)
    settings = settings_of(name, TINY | given)
    is_binned = NETS[name].predicts == "bins"
    bins = bins_of(name, torch.full((BIN_COUNT,), 1 / BIN_COUNT)) if is_binned else None
    objective = objective_of(name, settings, bins, CPU)
    named = {"name": name, "objective": objective, "bins": bins}
    return Trainer(NETS[name].make({}), settings, device=CPU, about={}, **named)


def crops(step: int, side: int = 32) -> torch.Tensor:
    """Two soft pictures, others each step."""
    generator = torch.Generator().manual_seed(step % 2)
    small = torch.rand(2, 3, 4, 4, generator=generator)
    return (255 * nn.functional.interpolate(small, (side, side), mode="bilinear")).to(torch.uint8)


def test_every_net_can_be_trained() -> None:
    """Both tables name the same nets."""
    assert SYSTEMS.keys() == NETS.keys() - GUESTS.keys()


# Others learn the nets of these four, and small-l2 the loss of two; unbalanced bins have other
# weights alone.
ALIKE = {"eccv16-norebal", "residual-norebal", "plain-l2", "residual-l2"}
LEARNING = sorted(SYSTEMS.keys() - ALIKE - {"lite"})


@pytest.mark.parametrize("name", LEARNING)
def test_every_system_learns(name: str, tmp_path: Path) -> None:
    """A few steps on two pictures change the net as they should, and what is left is a model."""
    rate = 1e-4 if name.startswith("residual") else 1e-3
    learner = make_learner(name, learning_rate=rate, planned_pictures=1000)
    first = float(learner.learn(crops(0)))
    assert any(float(learner.learn(crops(0))) < first for _ in range(7))
    learner.save(tmp_path)
    model = load_model(tmp_path / WEIGHTS_NAME, "cpu")
    assert (model.decoding is None) == (NETS[name].predicts == "ab")


@pytest.mark.parametrize("name", ["gan", "pix2pix", "vae"])
def test_a_broken_run_ends_as_a_whole_one(name: str, tmp_path: Path) -> None:
    """Adversary, its optimizer and what is drawn are the same after a resumption."""
    given = {"planned_pictures": 8, "learning_rate": 1e-3}
    whole = make_learner(name, **given)
    for step in range(4):
        whole.learn(crops(step))
    broken = make_learner(name, **given)
    for step in range(2):
        broken.learn(crops(step))
    broken.save(tmp_path)
    torch.rand(7)  # other things draw, too
    again = make_learner(name, **given)
    again.resume(tmp_path)
    for step in range(2, 4):
        again.learn(crops(step))
    for key, value in whole.net.state_dict().items():
        assert torch.equal(value, again.net.state_dict()[key]), key


def test_verdicts_on_patches_are_those_of_the_paper() -> None:
    """30 x 30 for 256 x 256, each of 70 x 70 pixels."""
    net = PatchDiscriminator().eval()
    assert net(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 30, 30)
    picture = torch.zeros(1, 3, 256, 256, requires_grad=True)
    net(picture)[0, 0, 15, 15].backward()
    seen = picture.grad.abs().sum((0, 1)).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]
    assert WholeDiscriminator()(torch.zeros(2, 3, 24, 32)).shape == (2, 1)


def test_the_adversary_is_not_taught_by_the_deceiver() -> None:
    """A step of the net alone leaves the discriminator as it was; then it learns by itself."""
    learner = make_learner("gan")
    adversary = learner._objective.adversary
    assert adversary is not None
    before = {k: v.clone() for k, v in adversary.state()["net"].items() if "running" not in k}
    lightness, colors = torch.rand(2, 1, 32, 32) * 100, torch.rand(2, 2, 32, 32)
    adversary.loss_of_deceiver(lightness, colors.requires_grad_()).backward()
    assert colors.grad is not None
    after = adversary.state()["net"]
    assert all(torch.equal(after[k], v) for k, v in before.items() if "num" not in k)
    losses = []
    colors = colors.detach()
    for _ in range(10):
        adversary.learn(lightness, colors, 1 - colors)
        losses.append(float(adversary.loss_of_deceiver(lightness, colors).detach()))
    assert losses[-1] > losses[0]


def test_pix2pix_learns_closeness_first() -> None:
    """Before half of the plan the discriminator has no say and learns nothing."""
    objective = make_learner("pix2pix")._objective
    taught = []
    objective.adversary.learn = lambda *seen: taught.append(seen)
    for progress in (0.0, 0.49, 0.5):
        example = Example(torch.zeros(1, 1, 64, 64), torch.zeros(1, 2, 64, 64), 0, progress)
        objective.teach_adversary(torch.zeros(1, 2, 32, 32), example)
    assert [[tuple(one.shape) for one in seen] for seen in taught] == [
        [(1, 1, 32, 32), (1, 2, 32, 32), (1, 2, 32, 32)]
    ]
    output = torch.zeros(1, 2, 64, 64)
    early, late = (
        objective.loss(output, Example(torch.zeros(1, 1, 64, 64), output, 0, progress))
        for progress in (0.49, 0.5)
    )
    assert early == 0
    assert late > 0.1


def example(side: int = 32) -> Example:
    """Colors of sRGB at their own lightness."""
    srgb = crops(0, side).float() / 255
    lab = lab_from_srgb(srgb)
    return Example(lab[:, :1], lab[:, 1:], 0, 0.0)


def test_losses_are_nothing_at_the_truth() -> None:
    """Squared error and Huber in CIELUV; half of the output's size as well."""
    one = example()
    for pooled in (one.ab, nn.functional.avg_pool2d(one.ab, 2)):
        assert squared_error(pooled / AB_UNIT, one) < 1e-10
        assert huber_luv(pooled / AB_UNIT, one) < 1e-6
    assert huber_luv(0 * one.ab, one) > 1
    off = one.ab.clone()
    off[:, 0] += 11
    assert squared_error(off / AB_UNIT, one).item() == pytest.approx(0.1**2 / 2, rel=1e-4)


def test_latent_loss_is_the_paper_s() -> None:
    """The divergence from a standard normal distribution, in closed form, by torch's own."""
    one = example()
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 2, 8, 2, 2, generator=generator)
    normal = torch.distributions.Normal(mean, (log_variance / 2).exp())
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    divergence = torch.distributions.kl_divergence(normal, standard).mean()
    found = latent_loss(Coded(one.ab / AB_UNIT, mean, log_variance), one)
    torch.testing.assert_close(found, DIVERGENCE_WEIGHT * divergence)


def test_classes_of_uv_are_even_steps() -> None:
    """Each center lies in its own class; a net that is sure of them gives back their color."""
    centers = class_centers(CPU)
    assert torch.equal(classes_of(centers[None, :, :, None])[0, 0, :, 0], torch.arange(CLASSES))
    one = example(64)
    logits = torch.full((2, 2 * CLASSES, 16, 16), -50.0)
    uv = uv_from_lab(torch.cat([nn.functional.avg_pool2d(p, 4) for p in one[:2]], 1))
    right = classes_of(uv)
    for axis in range(2):
        logits[:, axis * CLASSES : (axis + 1) * CLASSES].scatter_(1, right[:, axis : axis + 1], 50)
    assert class_entropy(logits, one) < 1e-6
    assert class_entropy(torch.zeros_like(logits), one).item() == pytest.approx(3.912, abs=1e-3)


def test_uv_and_back() -> None:
    """Colors of sRGB come back from CIELUV; where none can be, numbers stay finite."""
    lab = lab_from_srgb(crops(1, 64).float() / 255)
    back = ab_from_uv(lab[:, :1], uv_from_lab(lab))
    torch.testing.assert_close(back, lab[:, 1:], atol=1e-2, rtol=1e-3)
    wild = ab_from_uv(torch.zeros(1, 1, 2, 2), torch.full((1, 2, 2, 2), 150.0))
    assert wild.isfinite().all()


@pytest.mark.parametrize("net", [UNet(), VggNet(), VggNet(upsampling=True, last="relu")])
def test_nets_in_full_size(net: nn.Module) -> None:
    """Whatever the sides, multiples of 32, the output is as large as the picture."""
    with torch.no_grad():
        assert net.eval()(torch.zeros(1, 1, 64, 96)).shape == (1, 2, 64, 96)


def test_a_code_is_drawn_only_while_learning() -> None:
    """In use the mean is taken, so the same picture has the same colors."""
    net = Autoencoder()
    x = torch.rand(1, 1, 32, 32)
    coded = net(x)
    assert isinstance(coded, Coded)
    assert not torch.equal(coded.ab, net(x).ab)
    net.eval()
    assert torch.equal(net(x), net(x))
    assert net(x).shape == (1, 2, 8, 8)


def test_superpixels_have_one_color_each() -> None:
    """Targets are averaged inside regions of the picture; their mean stays."""
    srgb = crops(0, 64).float() / 255
    ab = lab_from_srgb(srgb)[:, 1:]
    plain = average_targets(srgb, ab, 12)
    assert len(torch.unique(plain[0].flatten(1), dim=1).T) <= 24
    torch.testing.assert_close(plain.mean((2, 3)), ab.mean((2, 3)), atol=1e-3, rtol=1e-4)
    learner = make_learner("gan", superpixels=12)
    assert torch.equal(learner._example(crops(0, 64)).ab, plain)


def test_each_system_has_settings_of_its_own() -> None:
    """What the user gives goes before what the system has, that before the defaults."""
    assert settings_of("eccv16", {}).side == 96
    assert settings_of("eccv16", {"side": 64}).side == 64
    assert settings_of("lite", {}) == replace(settings_of("lite", {}), side=160)
    prior = torch.rand(BIN_COUNT).softmax(0)
    even = bins_of("eccv16-norebal", prior).decoding.rebalancing_weight
    torch.testing.assert_close(even, torch.ones(BIN_COUNT))
    weight = bins_of("eccv16", prior).decoding.rebalancing_weight
    assert weight[prior.argmin()] > weight[prior.argmax()]


def test_weights_of_another_net_are_no_start() -> None:
    """The error names both."""
    with pytest.raises(ModelError, match="are those of lite, not of gan"):
        refuse_other_net("gan", "lite")


def test_a_plateau_halves_the_rate_and_the_best_is_kept(tmp_path: Path) -> None:
    """After two validations without a gain; what is left behind is what validated best."""
    learner = make_learner("small-l2", plateau=2, learning_rate=1e-3)
    learner.learn(crops(0))
    learner.see(9.0)
    best = {key: value.clone() for key, value in learner.average.items()}
    rates = []
    for error in (9.5, 9.1, 8.0 + 1, 9.2):
        rates.append(learner.learning_rate)
        learner.learn(crops(1))
        learner.see(error)
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 5e-4])
    assert learner.learning_rate == pytest.approx(2.5e-4)
    learner.save(tmp_path)
    again = make_learner("small-l2", plateau=2, learning_rate=1e-3)
    again.resume(tmp_path)
    assert again.learning_rate == learner.learning_rate
    for key, value in again.best_net().state_dict().items():
        assert torch.equal(value, best[key])
    again.see(8.0)
    assert not torch.equal(again.best_net().layers[0].weight, best["layers.0.weight"])


def test_rebalancing_can_be_told() -> None:
    """With 0 all bins weigh the same; with nothing told the net's own power holds."""
    prior = torch.linspace(1, 9, BIN_COUNT)
    prior = prior / prior.sum()
    honest, own = (bins_of("lite", prior, power) for power in (0.0, None))
    torch.testing.assert_close(honest.decoding.rebalancing_weight, torch.ones(BIN_COUNT))
    mild = bins_of("lite", prior, 0.25).decoding.rebalancing_weight
    ranges = [float(w.max() / w.min()) for w in (mild, own.decoding.rebalancing_weight)]
    assert ranges[0] == pytest.approx(ranges[1] ** 0.5)  # the net's own power is 1/2
