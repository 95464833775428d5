"""What a run logs while it goes on."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_jax.errors import Diverged
from gan_jax.evaluation.measure import Report
from gan_jax.logging import Log, clock, draw_curves, read_lines

METRICS = {"discriminator/loss": 1.5, "discriminator/real_accuracy": 0.25, "generator/loss": 0.5}
REPORT = {"fake": {"source": "f", "count": 9}, "real": {"source": "r", "count": 9, "sha256": "0" * 64}}
REPORT |= {"shape": "8x8x1", "features": "pixels", "settings": {}, "seed": 0, "versions": {}}


def make_log(workdir, step=0, total_rounds=10, interval_kimg=0.04):
    return Log(
        workdir,
        step=step,
        total_rounds=total_rounds,
        images_per_round=20,
        interval_kimg=interval_kimg,
        learning_rates={"generator": lambda step: 0.1 * step},
        players={"discriminator": "critic", "generator": "generator"},
    )


def play(log, rounds, **changes):
    for _ in range(rounds):
        log.add({**METRICS, **changes})
    log.flush()


def test_lines_are_means_over_their_rounds(tmp_path):
    log = make_log(tmp_path)
    for loss in (1.0, 2.0, 3.0, 5.0):
        log.add({**METRICS, "discriminator/loss": loss})
    log.flush()
    log.close()
    first, second = read_lines(tmp_path / "metrics.jsonl")
    assert (first["step"], first["kimg"], first["discriminator/loss"], second["discriminator/loss"]) == (
        2,
        0.04,
        1.5,
        4,
    )
    assert (first["generator/learning_rate"], second["generator/learning_rate"]) == (0.1, pytest.approx(0.3))
    assert first["images_per_second"] > 0


def test_a_line_for_people(tmp_path, capsys):
    log = make_log(tmp_path)
    play(log, 2)
    line = capsys.readouterr().err.splitlines()[0]
    assert line.startswith("     0.0 kimg, ") and " img/s, " in line and " left, " in line
    assert line.endswith("discriminator loss 1.500, generator loss 0.500, real accuracy 0.25")
    log.close()


def test_the_first_line_makes_nothing_up(tmp_path, capsys):
    """The first round, which holds the compilation, is not timed: nothing is known of the speed after it."""
    log = make_log(tmp_path, interval_kimg=0.02)
    play(log, 3)
    log.close()
    first, *others = capsys.readouterr().err.splitlines()
    assert first == "     0.0 kimg, discriminator loss 1.500, generator loss 0.500, real accuracy 0.25"
    assert len(others) == 2 and all("img/s" in line and "left" in line for line in others)
    assert ["images_per_second" in line for line in read_lines(tmp_path / "metrics.jsonl")] == [False, True, True]


def test_lines_after_the_round_that_is_resumed_are_dropped(tmp_path):
    log = make_log(tmp_path)
    play(log, 6)
    log.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "ki')  # a killed run's
    log = make_log(tmp_path, step=4)
    play(log, 2)
    log.close()
    assert [line["step"] for line in read_lines(tmp_path / "metrics.jsonl")] == [2, 4, 6]


def test_what_is_not_finite_is_named(tmp_path):
    log = make_log(tmp_path, step=4)
    with pytest.raises(Diverged, match=r"round 5: the real accuracy of player 'critic' .turn 'discriminator'. is nan"):
        play(log, 1, **{"discriminator/real_accuracy": np.nan})
    log.close()


def test_an_evaluation_is_compared_with_the_best_one(tmp_path, capsys):
    log = make_log(tmp_path)
    play(log, 2)
    best = {"step": 1, "selected_by": "fid", "fid": 3.0}
    report = Report({"fid": 7.5, "kl": float("inf")}, REPORT, ("few",), better={"fid": 1})
    for _ in range(2):
        log.evaluation(report, best)
    log.close()
    printed = capsys.readouterr().err
    assert printed.count("round 2: fid 7.5, kl inf; best fid 3 at round 1\n") == 2
    assert "warning: fid is 7.5 after a best of 3 at round 1: the game may be collapsing" in printed
    assert printed.count("warning: few\n") == 1
    last = read_lines(tmp_path / "metrics.jsonl")[-1]
    assert last["evaluation/fid"] == 7.5 and "evaluation/kl" not in last and "9 of f" in last["protocol"]


def test_samples_with_and_without_a_distance(tmp_path):
    log = make_log(tmp_path)
    picture = np.full((60, 40, 1), 7, np.uint8)
    log.sample(picture + np.uint8(9), 0.5)
    play(log, 2)
    log.sample(picture, None)
    log.close()
    distances = [line for line in read_lines(tmp_path / "metrics.jsonl") if "sliced_wasserstein" in line]
    assert distances == [{"step": 0, "kimg": 0.0, "sliced_wasserstein": 0.5}]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "samples" / "000002.png")), picture[..., 0])
    assert Image.open(tmp_path / "samples" / "progress.gif").n_frames == 2 and (tmp_path / "curves.png").exists()


def test_pictures_of_the_run_are_drawn_now_and_then_and_when_it_ends(tmp_path):
    log = make_log(tmp_path)
    curves = tmp_path / "curves.png"
    log.draw(every=0)
    assert not curves.exists()  # nothing has been logged
    play(log, 2)
    log.draw()
    assert not curves.exists()
    log.draw(every=0)
    drawn = curves.stat().st_mtime_ns
    log.draw()
    assert curves.stat().st_mtime_ns == drawn
    log.close()
    assert curves.stat().st_mtime_ns > drawn


def test_other_processes_log_nothing(tmp_path, capsys):
    log = make_log(None)
    play(log, 4)
    log.log("hello")
    log.draw()
    log.close()
    assert capsys.readouterr().err == "" and log.step == 4


@pytest.mark.parametrize(
    "names, panels", [((), 1), (("a_real_accuracy", "a_fake_accuracy"), 2), (("real_accuracy", "gradient_norm"), 3)]
)
def test_curves_have_a_panel_a_sort(tmp_path, names, panels):
    lines = [{"kimg": k, "d/loss": k + 1.0, **{f"d/{name}": 0.5 for name in names}} for k in range(3)]
    draw_curves(json.loads(json.dumps(lines)), tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size == (1000, 250 * panels)


def test_an_accuracy_of_an_evaluation_is_none_of_the_discriminator(tmp_path):
    lines = [{"kimg": k, "d/loss": k + 1.0, "evaluation/class_accuracy": 0.5} for k in range(3)]
    draw_curves(lines, tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size == (1000, 250)


def test_clock():
    assert (clock(75), clock(3601), clock(0.4)) == ("1:15", "1:00:01", "0:00")
