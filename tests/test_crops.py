import numpy as np
import torch

from vidcolor.training.crops import cut_crops, gather_crops, iterate_crops, plan_crops
from vidcolor.training.dataset import PictureStore


def make_store(*sizes: tuple[int, int]) -> PictureStore:
    """Smooth pictures of those sizes, each with its own red."""
    pictures = []
    for number, (height, width) in enumerate(sizes):
        y, x = np.mgrid[:height, :width]
        red = np.full((height, width), 20 * number)
        green, blue = y * 200 / height, x * 200 / width
        pictures.append(np.stack([red, green, blue], 2).astype(np.uint8))
    offsets = np.cumsum([0] + [p.size for p in pictures[:-1]])
    pixels = np.concatenate([p.ravel() for p in pictures])
    return PictureStore(
        torch.from_numpy(pixels),
        torch.from_numpy(offsets),
        torch.tensor([p.shape[:2] for p in pictures]),
    )


SIZES = np.array([(60, 80), (70, 50), (64, 64), (90, 48), (48, 48)])


def test_an_epoch_takes_each_picture_once() -> None:
    """Two batches of two take four different pictures of five, in another order each epoch."""
    epochs = [
        [
            plan_crops(SIZES, step=step, seed=1, batch_size=2, side=32).pictures
            for step in (2 * epoch, 2 * epoch + 1)
        ]
        for epoch in range(4)
    ]
    orders = [tuple(np.concatenate(epoch).tolist()) for epoch in epochs]
    assert all(len(set(order)) == 4 for order in orders)
    assert len(set(orders)) > 1


def test_crops_lie_inside_their_pictures() -> None:
    """Whatever is drawn, no crop is empty or reaches over an edge."""
    for step in range(200):
        plan = plan_crops(SIZES, step=step, seed=0, batch_size=4, side=64)
        height, width = SIZES[plan.pictures].T
        assert (plan.tops >= 0).all()
        assert (plan.lefts >= 0).all()
        assert (plan.heights > 0).all()
        assert (plan.widths > 0).all()
        assert (plan.tops + plan.heights <= height).all()
        assert (plan.lefts + plan.widths <= width).all()


def test_fewer_pictures_than_a_batch() -> None:
    """A batch larger than the data set repeats pictures instead of failing."""
    plan = plan_crops(SIZES[:2], step=3, seed=0, batch_size=5, side=32)
    assert len(plan.pictures) == 5


def test_the_gpus_way_equals_the_cpus() -> None:
    """Both ways to cut a plan agree within a few levels on smooth pictures, mirroring included."""
    store = make_store((60, 80), (70, 50), (64, 96), (90, 66))
    plan = plan_crops(store.sizes.numpy(), step=0, seed=2, batch_size=8, side=32)
    assert plan.mirrored.any()
    assert not plan.mirrored.all()
    ours, theirs = gather_crops(store, plan, 32), cut_crops(store, plan, 32)
    assert ours.shape == theirs.shape == (8, 3, 32, 32)
    assert (ours.int() - theirs.int()).abs().max() <= 3


def test_batches_go_on_from_any_step() -> None:
    """The batches from step 3 on, of that step's size, are those that a run from 0 sees there."""
    store = make_store((60, 80), (70, 50), (64, 96), (90, 66))
    named = {"seed": 5, "batch_size": 2, "side": lambda step: 32 if step < 4 else 64}
    whole = iterate_crops(store, first_step=0, **named)
    first = [next(whole) for _ in range(6)]
    later = iterate_crops(store, first_step=3, **named)
    assert all(torch.equal(next(later), batch) for batch in first[3:])
    assert [batch.shape[-1] for batch in first] == [32, 32, 32, 32, 64, 64]
    whole.close()
    later.close()
