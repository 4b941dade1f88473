"""Figures of what a viewer sees while a net learns: error at equal chroma, glare, what stays grey.

CIEDE2000 forgives chroma and colorfulness M3 is a variance, so that a net that burns some pixels
does well by both. These figures tell it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from vidcolor.color.bins import Decoding
from vidcolor.color.lab import lab_from_srgb, lightness_from_luma
from vidcolor.evaluation.metrics import ciede2000
from vidcolor.evaluation.photos import fit_picture
from vidcolor.evaluation.seen import count_faults
from vidcolor.nets.fusing import fold_batch_norm
from vidcolor.nets.inputs import normalize_lightness
from vidcolor.training.dataset import PictureStore
from vidcolor.training.film_response import mix_video_luma
from vidcolor.training.loss import decode_logits
from vidcolor.training.shown import enlarge, gain_for, shown_decoding, strengthen

MEDIANS = (8.0, 10.0)
"""Median chroma that colors are brought to by a gain, so that nets are compared at equal color."""

JUDGED_BY = f"error@{MEDIANS[0]:g}"
"""The figure by which weights are better than others."""

_SIDE = 256  # films are shown to the net at this short side
_EACH = 2  # every second pixel of both axes is measured

_LOGGED_AS = {"glare_30": "glare30", "glare_50": "glare50", "left_grey": "grey"}
"""Names of faults in the logs of trainings, which are gone on with."""

Pair = tuple[torch.Tensor, torch.Tensor]


@torch.no_grad()
def validate_seen(
    net: nn.Module, pictures: PictureStore, decoding: Decoding, device: torch.device
) -> dict[str, float]:
    """Figures over photographs shown as color video's luma.

    Args:
        net: Predicts bins; is folded in place.
        pictures: On the CPU.
        decoding: Of the net; only its `rebalancing_weight` plays a part.
        device: Where to infer.

    Returns:
        For each of `MEDIANS` the figures of `judge_shown` and the gain, named `figure@median`.
    """
    fold_batch_norm(net)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    shown = shown_decoding(
        replace(decoding, rebalancing_weight=decoding.rebalancing_weight.to(device))
    )
    pairs = []
    for index in range(len(pictures)):
        srgb = fit_picture(pictures.picture(index), _SIDE)[None]
        seen = normalize_lightness(lightness_from_luma(mix_video_luma(srgb))).to(device)
        means = decode_logits(net(seen), shown)
        pairs.append((means[0].cpu(), lab_from_srgb(srgb)[0]))
    figures: dict[str, float] = {}
    for median in MEDIANS:
        shown = replace(shown, gain=gain_for([means for means, _ in pairs], shown, median))
        found = judge_shown(pairs, shown) | {"gain": shown.gain}
        figures |= {f"{name}@{median:g}": figure for name, figure in found.items()}
    return figures


def judge_shown(pairs: Sequence[Pair], shown: Decoding) -> dict[str, float]:
    """Means over pictures of what is seen of their colors.

    Args:
        pairs: Annealed means (2, h, w) and the truth in Lab (3, H, W) of each picture.
        shown: How they are shown.

    Returns:
        `error`, CIEDE2000 at the truth's L*; `glare30` and `glare50`, percent of pixels whose
        chroma is so much above the truth's; `grey`, percent of pixels of chroma under 6 where the
        truth has over 15.
    """
    totals: defaultdict[str, float] = defaultdict(float)
    for means, truth in pairs:
        ab = enlarge(strengthen(means[None], shown), *truth.shape[-2:])[0]
        given, true = ab[:, ::_EACH, ::_EACH], truth[:, ::_EACH, ::_EACH]
        totals["error"] += float(ciede2000(torch.cat([true[:1], given]), true).mean())
        chroma, wanted = (torch.linalg.vector_norm(part, dim=0) for part in (given, true[1:]))
        for name, percent in count_faults(chroma, wanted).items():
            totals[_LOGGED_AS[name]] += percent
    return {name: total / len(pairs) for name, total in totals.items()}
