"""Who goes first in the studio."""

from threading import Thread
from time import monotonic

import pytest

from vidcolor.studio.turns import Turns

pytestmark = pytest.mark.quick


def test_others_give_way_until_the_first_is_done() -> None:
    """And no longer than they said; if nobody goes first, not at all."""
    turns, done = Turns(), []
    turns.give_way(60)

    def follow() -> None:
        turns.give_way(60)
        done.append("second")

    other = Thread(target=follow)
    with turns.go_first(), turns.go_first():
        other.start()
        began = monotonic()
        turns.give_way(0.05)
        assert 0.04 < monotonic() - began < 5
        done.append("first")
    other.join(10)
    assert done == ["first", "second"]
