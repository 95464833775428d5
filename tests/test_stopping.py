"""When runs stop before their end: the rules, and whole runs that stop there, interrupted or not."""

import chex
import pytest
from ml_collections import ConfigDict
from whole_runs import final_state, logged, run, stop_after, twenty_rounds

from gan_jax import stopping
from gan_jax.errors import Interrupted, UserError

LIMITS = ConfigDict({"patience_kimg": 0.0, "balance_kimg": 0.0, "band": 0.1})


def after(accuracies, kimg=0.5, band=0.1):
    """The balance after rounds with these (real, fake) accuracies."""
    kept = {}
    for real, fake in accuracies:
        metrics = {"d/real_accuracy": real, "d/fake_accuracy": fake, "d/loss": 9.0}
        kept = stopping.balance(kept, metrics, kimg, band)
    return kept


def test_balance_is_counted_while_all_averages_are_near_a_half():
    assert after([(0.5, 0.5)] * 3)["kimg"] == 1.5
    assert after([(0.5, 0.5), (0.5, 0.61)])["kimg"] == pytest.approx(1.0)  # the average has not left the band
    assert after([(0.5, 0.5), (0.5, 1.0)])["kimg"] == 0
    assert after([(0.5, 0.9)])["kimg"] == 0  # of both sorts: it does not take all for real
    assert after([(0.5, 1.0)] + [(0.5, 0.5)] * 6)["kimg"] == pytest.approx(1.0)  # .5 after .5, within .1 from 2.5 on
    shares = after([(0.0, 0.2), (1.0, 0.2)], kimg=2.0)["shares"]
    assert shares == pytest.approx({"d/real_accuracy": 0.75, "d/fake_accuracy": 0.2})  # a half is left after a kimg
    assert stopping.balance({}, {"d/loss": 1.0}, 1.0, 0.5) == {"kimg": 0.0, "shares": {}}


def test_why_a_run_stops():
    record = {"best": {"step": 100, "selected_by": "fid", "fid": 3.0}, "evaluated": 150, "balance": after([(0.5, 0.5)])}
    for changes, why in (
        ({}, ""),
        ({"patience_kimg": 0.6}, ""),
        ({"patience_kimg": 0.5}, "fid has not improved for 0.5 kimg, since round 100"),
        ({"balance_kimg": 0.6}, ""),
        ({"balance_kimg": 0.5}, "the discriminator has been fooled half of the time for 0.5 kimg"),
    ):
        config = ConfigDict({**LIMITS, **changes})
        found = stopping.reason(config, record, 0.01)
        assert found.startswith(why) and bool(found) == bool(why)
        assert stopping.reason(config, {}, 0.01) == ""
    none = {"balance": stopping.balance({}, {"d/loss": 1.0}, 1.0, 0.5)}
    with pytest.raises(UserError, match="balance_kimg: this game has no discriminator whose accuracy is known"):
        stopping.reason(ConfigDict({**LIMITS, "balance_kimg": 1.0}), none, 0.01)


def test_a_run_stops_when_it_no_longer_improves(ring_run, tmp_path, capfd):
    """At the first evaluation that is no better than another before it, as the whole run's numbers say."""
    _, whole_dir, _ = ring_run
    scores = [line["evaluation/coverage"] for line in logged(whole_dir) if "evaluation/coverage" in line]
    best = [max(scores[: n + 1]) for n in range(len(scores))]
    expected = next((n for n in range(1, len(scores)) if best[n] == best[n - 1]), len(scores) - 1)
    _, record = run(twenty_rounds(**{"stop.patience_kimg": 0.08}), tmp_path)
    assert record["evaluated"] == 5 * (expected + 1)
    assert expected == len(scores) - 1 or "coverage has not improved" in capfd.readouterr().err


def test_a_run_in_balance_stops_and_an_interrupted_one_at_the_same_round(tmp_path, monkeypatch, capfd):
    config = twenty_rounds(**{"stop.balance_kimg": 0.1, "stop.band": 0.5})
    state, record = run(config, tmp_path / "whole")
    assert (int(state.step), record["evaluated"]) == (8, 8)  # 7 rounds of 16 images, known a round later
    assert "stopped after round 8: the discriminator has been fooled" in capfd.readouterr().err
    assert (tmp_path / "whole" / "samples" / "000008.png").exists()
    run(config, tmp_path / "whole")
    assert "nothing is left to do, the discriminator has been fooled" in capfd.readouterr().err
    stop_after(3, monkeypatch)
    with pytest.raises(Interrupted, match="after round 3"):
        run(config, tmp_path / "parts")
    monkeypatch.undo()
    chex.assert_trees_all_equal(run(config, tmp_path / "parts"), (state, record))
    longer, _ = run(twenty_rounds(**{"stop.balance_kimg": 0.2, "stop.band": 0.5}), tmp_path / "parts")
    assert int(longer.step) == 14
    assert final_state(config, tmp_path / "parts")[1]["balance"]["kimg"] == pytest.approx(14 * 0.016)


def test_patience_needs_evaluations(tiny, tmp_path):
    with pytest.raises(UserError, match="this run is not evaluated: set"):
        run(tiny(**{"stop.patience_kimg": 1.0}), tmp_path)
