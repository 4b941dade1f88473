"""A net while it learns: its average, its optimizer and how far it has come.

Crops, film response and all else that is drawn in a step are functions of the seed and the step's
number, so the net, its average, the optimizers, an adversary if there is one, how validation went
and two counters are the whole state of a run.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import torch
from torch import nn

from vidcolor.color.bins import Decoding
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma
from vidcolor.errors import VidcolorError
from vidcolor.models.weights import save_weights
from vidcolor.models.zoo import has_bfloat16
from vidcolor.nets.inputs import normalize_lightness
from vidcolor.training.drop_path import drop_paths
from vidcolor.training.film_response import expose_film
from vidcolor.training.muon import Muon
from vidcolor.training.objective import Bins, Example, Objective
from vidcolor.training.settings import TrainSettings
from vidcolor.training.targets import average_targets

CHECKPOINT_NAME = "checkpoint.pt"
WEIGHTS_NAME = "ema.safetensors"

_KERNEL_AXES = 4
_SEED_STRIDE = 1_000_003  # steps of one seed never reach the film responses of the next


class Trainer:
    """A net while it learns: its average, its optimizer, how far it has come.

    Args:
        net: The net to train, in place.
        settings: How.
        name: Of the net.
        objective: What it learns.
        bins: Of a net that predicts such, kept for the weights file.
        device: Where.
        about: What the weights file says of its data and its start.
    """

    def __init__(
        self,
        net: nn.Module,
        settings: TrainSettings,
        *,
        name: str,
        objective: Objective,
        bins: Bins | None,
        device: torch.device,
        about: Mapping[str, str],
    ) -> None:
        self.settings = settings
        self.device = device
        self.about = about
        self.name = name
        self.bins = bins
        self._objective = objective
        self.net: nn.Module = net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        _freeze(self.net, settings.frozen_blocks)
        drop_paths(self.net, settings.drop_path)
        self.average: dict[str, torch.Tensor] = {
            key: value.clone() for key, value in net.state_dict().items()
        }
        self.optimizers: list[torch.optim.Optimizer] = _make_optimizers(net, settings)
        self.step: int = 0
        self.seconds: float = 0.0
        self._plateau = _Plateau()

    @property
    def decoding(self) -> Decoding | None:
        """How the net's histograms become colors; None for one that gives a* and b*."""
        return self.bins and self.bins.decoding

    @property
    def pictures_seen(self) -> int:
        """Crops learned from so far."""
        return self.step * self.settings.batch_size

    @property
    def progress(self) -> float:
        """How much of the plan is done, 0 to 1."""
        parts = [0.0]
        if (planned := self.settings.planned_pictures) is not None:
            parts.append(self.pictures_seen / planned if planned else 1.0)
        if self.settings.planned_minutes is not None:
            parts.append(self.seconds / 60 / self.settings.planned_minutes)
        return min(max(parts), 1.0)

    @property
    def learning_rate(self) -> float:
        """Of the decoder, at this step."""
        settings = self.settings
        warm = min(1.0, (self.step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
        if settings.plateau:
            return settings.learning_rate * warm * max(self._plateau.factor, settings.final_factor)
        cosine = (1 + math.cos(math.pi * self.progress)) / 2
        return settings.learning_rate * warm * max(cosine, settings.final_factor)

    def learn(self, crops: torch.Tensor) -> torch.Tensor:
        """Takes one step on (N, 3, side, side) uint8 RGB crops; the loss, a scalar tensor."""
        for group in chain.from_iterable(o.param_groups for o in self.optimizers):
            group["lr"] = self.learning_rate * group["factor"]
        example = self._example(crops)
        torch.manual_seed(self._step_seed)  # of nets that draw; steps are then alike on resuming
        in_bfloat16 = self.settings.bfloat16 and has_bfloat16(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=in_bfloat16):
            output = self.net(normalize_lightness(example.lightness))
        loss = self._objective.loss(output, example)
        self.net.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), self.settings.gradient_limit)
        for optimizer in self.optimizers:
            optimizer.step()
        self._objective.teach_adversary(output, example)
        self.step += 1
        self._update_average()
        return loss.detach()

    def see(self, error: float) -> None:
        """Take in how the averaged weights validated: less is better."""
        self._plateau.see(error, self.average, self.settings.plateau)

    def averaged_net(self) -> nn.Module:
        """A copy of the net with the averaged weights, in evaluation mode, on the CPU."""
        net: nn.Module = copy.deepcopy(self.net).cpu()
        net.load_state_dict(self.average)
        return net.eval()

    def best_net(self) -> nn.Module:
        """The net to leave behind: the averaged one, or that which validated best."""
        net = self.averaged_net()
        if self.settings.plateau and self._plateau.best_average is not None:
            net.load_state_dict(self._plateau.best_average)
        return net

    def save(self, folder: Path) -> None:
        """Writes the checkpoint, each file under a temporary name first."""
        temporary = folder / f"{CHECKPOINT_NAME}.part"
        torch.save(self._state(), temporary)
        temporary.replace(folder / CHECKPOINT_NAME)
        self.save_average(folder / WEIGHTS_NAME, self.decoding, {})

    def save_average(self, path: Path, decoding: Decoding | None, about: Mapping[str, str]) -> None:
        """Writes the averaged weights, with what is known of them beside where they come from."""
        save_weights(
            path,
            self.best_net(),
            name=self.name,
            bin_prior=self.bins and self.bins.prior,
            decoding=decoding,
            about={**self.about, "pictures_seen": str(self.pictures_seen), **about},
        )

    def resume(self, folder: Path) -> None:
        """Goes back to the folder's checkpoint.

        Raises:
            VidcolorError: It was made with other settings.
        """
        state = torch.load(folder / CHECKPOINT_NAME, map_location=self.device, weights_only=True)
        if state["settings"] != asdict(self.settings):
            changed = ", ".join(
                key
                for key, value in asdict(self.settings).items()
                if state["settings"].get(key) != value
            )
            raise VidcolorError(f"{folder}: was started with another {changed}; use a new folder")
        self.net.load_state_dict(state["net"])
        self.average = state["average"]
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.step = state["step"]
        self.seconds = state["seconds"]
        self._plateau = _Plateau(**state["plateau"])
        if self._objective.adversary is not None:
            self._objective.adversary.resume(state["adversary"])

    @property
    def _step_seed(self) -> int:
        return self.settings.seed * _SEED_STRIDE + self.step

    def _state(self) -> dict[str, object]:
        adversary = self._objective.adversary
        return {
            "settings": asdict(self.settings),
            "net": self.net.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
            "adversary": adversary and adversary.state(),
            "plateau": asdict(self._plateau),
        }

    @torch.no_grad()
    def _example(self, crops: torch.Tensor) -> Example:
        """What the crops teach: lightness as film would give it, and their colors."""
        srgb = crops.to(self.device).float() / 255
        generator = torch.Generator(self.device)
        generator.manual_seed(self._step_seed)
        lightness = lightness_from_luma(expose_film(srgb, generator, self.settings.film_share))
        lab = lab_from_srgb(srgb)
        truth = lab[:, 1:]
        if self.settings.superpixels:
            truth = average_targets(srgb, truth, self.settings.superpixels)
        return Example(lightness, truth, self.step, self.progress, lab[:, :1])

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.average_decay, (self.step + 1) / (self.step + 10))
        for key, value in self.net.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[key].lerp_(value, 1 - decay)
            else:
                self.average[key].copy_(value)


@dataclass(slots=True)
class _Plateau:
    """How validation goes.

    Attributes:
        best: The least error so far.
        stale: Validations since then.
        factor: What the learning rate has come down to.
        best_average: The weights of the least error.
    """

    best: float = math.inf
    stale: int = 0
    factor: float = 1.0
    best_average: dict[str, torch.Tensor] | None = None

    def see(self, error: float, average: Mapping[str, torch.Tensor], patience: int) -> None:
        """Take in an error and the weights that it is of; patience 0 changes nothing."""
        if not patience:
            return
        if error < self.best:
            self.best, self.stale = error, 0
            self.best_average = {key: value.clone() for key, value in average.items()}
            return
        self.stale += 1
        if self.stale >= patience:
            self.factor, self.stale = self.factor / 2, 0


def _freeze(net: nn.Module, blocks: int) -> None:
    """Keep an encoder's first blocks, and what lies before them, as they are."""
    if blocks:
        for name in ("stem", *(f"blocks.{number}" for number in range(blocks))):
            net.get_submodule(f"encoder.{name}").requires_grad_(requires_grad=False).eval()


def _make_optimizers(net: nn.Module, settings: TrainSettings) -> list[torch.optim.Optimizer]:
    """AdamW, and with `muon` another for the kernels that mix channels, but for the last layer's.

    Encoder and decoder are apart for their rates, biases and norms for having no decay.
    """
    by_adamw: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    by_muon: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    learned = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    last = [p for _, p in learned if p.ndim > 1][-1]
    for name, parameter in learned:
        mixes = parameter.ndim == _KERNEL_AXES and parameter.shape[1] > 1 and parameter is not last
        groups = by_muon if settings.muon and mixes else by_adamw
        groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)

    def with_rates(
        groups: Mapping[tuple[bool, bool], list[nn.Parameter]],
    ) -> list[dict[str, object]]:
        return [
            {
                "params": parameters,
                "factor": settings.encoder_factor if in_encoder else 1.0,
                "weight_decay": settings.weight_decay if decays else 0.0,
            }
            for (in_encoder, decays), parameters in groups.items()
        ]

    adamw = torch.optim.AdamW(with_rates(by_adamw), lr=0.0, betas=(0.9, 0.98))
    return [adamw, Muon(with_rates(by_muon))] if by_muon else [adamw]
