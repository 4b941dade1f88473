import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from vidcolor.errors import OutputError
from vidcolor.review.cli import main
from vidcolor.review.rates import fooling_rate
from vidcolor.review.store import Answer, Store


def answers_of(participant: str, fooled: int, count: int) -> list[Answer]:
    """A person's answers to pairs."""
    return [
        Answer(participant, f"p{k}", "left", "right" if k < fooled else "left")
        for k in range(count)
    ]


def test_one_person_s_interval_is_wilson_s() -> None:
    """17 of 50, by the formula."""
    rate = fooling_rate(answers_of("a", 17, 50))
    z, n, p = 1.959963984540054, 50, 0.34
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (rate.low, rate.high) == pytest.approx((middle - half, middle + half))
    assert str(rate) == "34.0% (22.4% to 47.8%), 50 answers of 1"


def test_people_who_differ_widen_it() -> None:
    """Of four people two are always fooled and two never: nobody knows what the next one is."""
    answers = [one for who in "abcd" for one in answers_of(who, 30 if who in "ab" else 0, 30)]
    rate = fooling_rate(answers)
    plain = binomtest(60, 120).proportion_ci(0.95, method="wilson")
    assert rate.share == 0.5
    assert rate.low < 0.1 < plain.low
    assert rate.high > 0.9 > plain.high
    alike = fooling_rate([one for who in "abcd" for one in answers_of(who, 15, 30)])
    assert alike.low == pytest.approx(plain.low)


def test_other_tests_do_not_mix(tmp_path: Path) -> None:
    """Answers to other questions are not added to a folder."""
    Store(tmp_path, {"seconds": 1}).__exit__()
    Store(tmp_path, {"seconds": 1}).__exit__()
    with pytest.raises(OutputError, match="holds answers to another test; name another folder"):
        Store(tmp_path, {"seconds": 2})


def test_results_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In words and as JSON; before the first answer that there is none."""
    with Store(tmp_path, {"colorized": "fake"}) as store:
        assert main(["--results", str(tmp_path)]) == 0
        assert capsys.readouterr().out == "no answers yet\n"
        who = store.admit()
        for number, said in enumerate(["left", "right", "left", "left"]):
            shown = {"picture": f"p{number}", "shows": "left", "is_practice": False}
            assert store.show(who, number, **shown)
            assert store.answer(who, number, said, 1.0) == "left"
    assert main(["--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("fake: taken for real 25.0% (")
    assert main(["--results", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fooled"]["answers"] == 4
    assert told["test"] == {"colorized": "fake"}
