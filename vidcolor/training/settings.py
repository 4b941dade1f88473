"""How a net is trained: every default of it. Standard library only."""

from dataclasses import dataclass

FILM_SHARE = 0.7
"""Part of the pictures that are shown as film would have taken them."""


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
        rebalancing: Power of the paper's rebalancing weights; None for what the net's `Recipe` has.
            0 leaves histograms as honest as the pictures are.
        color_weight: Of the decoded colors' CIEDE2000, beside the cross-entropy.
        colorfulness_weight: Of the squared distance of their colorfulness from the one wanted.
        shown_gain: With it, in place of the two above, the net learns through the colors that are
            shown at this gain; see `shown` and `shown_loss`. 0 for not.
        difference_weight: Of those colors' CIEDE2000, beside the cross-entropy.
        distance_weight: Of their distance in ab.
        perceptual_weight: Of the distance of features of a net that has seen ImageNet.
        adversarial_weight: Of deceiving an adversary that sees patches of a* and b* given L*.
        adversarial_share: The last part of the plan, in which it is deceived. It has learned for as
            long before.
        drop_path: Share of pictures for which the deepest residual block is left out.
        frozen_blocks: So many blocks of the encoder, and what lies before the first, stay as they
            are. They are large and slow, and what they see is learned soon.
        muon: Kernels that mix channels are learned by Muon in place of AdamW.
        film_share: Part of the pictures that are shown as film would have taken them.
        average_decay: Of the exponential moving average of the weights, per step.
        planned_pictures: Where the cosine ends, in pictures; exact on any machine. With 0 nothing
            is learned: the net that it began with is measured and written.
        planned_minutes: Where it ends, in minutes of training; the first of both ends the run.
        bfloat16: Autocast to bfloat16, where the processor has it.
        superpixels: Number of superpixels of each crop over which targets are averaged; 0 for none.
        plateau: Validations without a gain after which the learning rate is halved, in place of
            the cosine, and the weights that validated best are those left behind; 0 for the cosine.
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
    rebalancing: float | None = None
    color_weight: float = 0.1
    colorfulness_weight: float = 4.0
    shown_gain: float = 0.0
    difference_weight: float = 0.1
    distance_weight: float = 0.05
    perceptual_weight: float = 5.0
    adversarial_weight: float = 0.0
    adversarial_share: float = 0.1
    drop_path: float = 0.0
    frozen_blocks: int = 0
    muon: bool = False
    film_share: float = FILM_SHARE
    average_decay: float = 0.998
    planned_pictures: int | None = None
    planned_minutes: float | None = None
    bfloat16: bool = True
    superpixels: int = 0
    plateau: int = 0
    seed: int = 0

    def side_at(self, step: int) -> int:
        """Pixels a side of the crops of a step; late crops come by pictures, not by the clock."""
        if self.planned_pictures is None:
            return self.side
        early = self.planned_pictures * (1 - self.late_share)
        return self.side if step * self.batch_size < early else self.late_side
