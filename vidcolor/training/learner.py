"""A net while it learns: its average, its optimizer and how far it has come.

Crops and film response of a step are functions of the seed and the step's number, so the net, its
average, the optimizer and two counters are the whole state of a run.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from vidcolor.color.bins import Decoding
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma
from vidcolor.errors import VidcolorError
from vidcolor.models.lite import normalize_lightness
from vidcolor.models.weights import save_weights
from vidcolor.training.film_response import FILM_SHARE, expose_film
from vidcolor.training.objective import choose_objective

CHECKPOINT_NAME = "checkpoint.pt"
WEIGHTS_NAME = "ema.safetensors"

_SEED_STRIDE = 1_000_003  # steps of one seed never reach the film responses of the next


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How a net is trained.

    Attributes:
        side: Pixels a side of a crop, a multiple of 32.
        late_side: The same towards the end. Films are shown to the net larger than its crops, and
            a short while at their size makes up for it (H. Touvron et al., "Fixing the train-test
            resolution discrepancy", NeurIPS 2019, arXiv:1906.06423).
        late_share: Which part of the planned pictures comes at that size.
        batch_size: Crops a step.
        learning_rate: Of the decoder, at its highest.
        encoder_factor: The encoder's learning rate is this part of it.
        final_factor: The learning rate falls to this part of its height along a half cosine.
        warmup_steps: Steps over which it rises from 0.
        weight_decay: AdamW's, on all but biases and batch norms.
        gradient_limit: Gradients are scaled down to this norm.
        color_weight: Of the decoded colors' CIE94 difference, beside the cross-entropy.
        colorfulness_weight: Of the squared distance of their colorfulness from the one wanted.
        film_share: Part of the pictures that are shown as film would have taken them.
        average_decay: Of the exponential moving average of the weights, per step.
        planned_pictures: Where the cosine ends, in pictures; exact on any machine.
        planned_minutes: Where it ends, in minutes of training; the first of both ends the run.
        bfloat16: Autocast to bfloat16.
        seed: Of everything random.
    """

    side: int = 160
    late_side: int = 224
    late_share: float = 0.2
    batch_size: int = 32
    learning_rate: float = 6e-4
    encoder_factor: float = 0.3
    final_factor: float = 0.01
    warmup_steps: int = 100
    weight_decay: float = 0.02
    gradient_limit: float = 1.0
    color_weight: float = 0.1
    colorfulness_weight: float = 4.0
    film_share: float = FILM_SHARE
    average_decay: float = 0.998
    planned_pictures: int | None = None
    planned_minutes: float | None = None
    bfloat16: bool = True
    seed: int = 0

    def side_at(self, step: int) -> int:
        """Pixels a side of the crops of a step; late crops come by pictures, not by the clock."""
        if self.planned_pictures is None:
            return self.side
        early = self.planned_pictures * (1 - self.late_share)
        return self.side if step * self.batch_size < early else self.late_side


class Learner:
    """A net while it learns: its average, its optimizer, how far it has come.

    Args:
        net: The net to train, in place.
        settings: How.
        name: Of the net.
        bin_prior: (bins,), kept for the weights file; None for a net that gives a* and b*.
        decoding: How its histograms become colors, on the device; None where it has none.
        device: Where.
        about: What the weights file says of its data and its start.
    """

    def __init__(
        self,
        net: nn.Module,
        settings: TrainSettings,
        *,
        name: str,
        bin_prior: torch.Tensor | None,
        decoding: Decoding | None,
        device: torch.device,
        about: Mapping[str, str],
    ) -> None:
        self.settings = settings
        self.device = device
        self.about = about
        self.name = name
        self.bin_prior = bin_prior
        self.decoding = decoding
        self._objective = choose_objective(
            decoding,
            color_weight=settings.color_weight,
            colorfulness_weight=settings.colorfulness_weight,
        )
        self.net = net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.average = {key: value.clone() for key, value in net.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            _parameter_groups(net, settings), lr=0.0, betas=(0.9, 0.98)
        )
        self.step = 0
        self.seconds = 0.0

    @property
    def pictures_seen(self) -> int:
        """Crops learned from so far."""
        return self.step * self.settings.batch_size

    @property
    def progress(self) -> float:
        """How much of the plan is done, 0 to 1."""
        parts = [0.0]
        if self.settings.planned_pictures is not None:
            parts.append(self.pictures_seen / self.settings.planned_pictures)
        if self.settings.planned_minutes is not None:
            parts.append(self.seconds / 60 / self.settings.planned_minutes)
        return min(max(parts), 1.0)

    @property
    def learning_rate(self) -> float:
        """Of the decoder, at this step."""
        settings = self.settings
        warm = min(1.0, (self.step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
        cosine = (1 + math.cos(math.pi * self.progress)) / 2
        return settings.learning_rate * warm * max(cosine, settings.final_factor)

    def learn(self, crops: torch.Tensor) -> torch.Tensor:
        """Takes one step on (N, 3, side, side) uint8 RGB crops; the loss, a scalar tensor."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * group["factor"]
        lightness, ab = self._example(crops)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bfloat16):
            output = self.net(normalize_lightness(lightness))
        loss = self._objective(output, ab, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), self.settings.gradient_limit)
        self.optimizer.step()
        self.step += 1
        self._update_average()
        return loss.detach()

    def averaged_net(self) -> nn.Module:
        """A copy of the net with the averaged weights, in evaluation mode, on the CPU."""
        net: nn.Module = copy.deepcopy(self.net).cpu()
        net.load_state_dict(self.average)
        return net.eval()

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
            self.averaged_net(),
            name=self.name,
            bin_prior=self.bin_prior,
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
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.seconds = state["seconds"]

    def _state(self) -> dict[str, object]:
        return {
            "settings": asdict(self.settings),
            "net": self.net.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }

    @torch.no_grad()
    def _example(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Lightness as film would give it, (N, 1, H, W), and true ab, (N, 2, H, W)."""
        srgb = crops.to(self.device).float() / 255
        generator = torch.Generator(self.device)
        generator.manual_seed(self.settings.seed * _SEED_STRIDE + self.step)
        lightness = lightness_from_luma(expose_film(srgb, generator, self.settings.film_share))
        return lightness, lab_from_srgb(srgb)[:, 1:]

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.average_decay, (self.step + 1) / (self.step + 10))
        for key, value in self.net.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[key].lerp_(value, 1 - decay)
            else:
                self.average[key].copy_(value)


def _parameter_groups(net: nn.Module, settings: TrainSettings) -> list[dict[str, object]]:
    """Encoder and decoder apart for their rates, biases and norms apart for having no decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "factor": settings.encoder_factor if in_encoder else 1.0,
            "weight_decay": settings.weight_decay if decays else 0.0,
        }
        for (in_encoder, decays), parameters in groups.items()
    ]
