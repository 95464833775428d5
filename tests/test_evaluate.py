"""Evaluations as a person runs them: of a run, of two sets, while training."""

import json
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import get_config

from gan_jax import evaluate
from gan_jax.data import open_source
from gan_jax.data.sources import grid
from gan_jax.data.sources.digits import digits
from gan_jax.errors import UserError
from gan_jax.evaluate import best_so_far, evaluate_run, evaluate_sets
from gan_jax.evaluation.measure import Report, collapse
from gan_jax.evaluation.metrics import Metric, cas
from gan_jax.evaluation.real_sets import open_set, real_for_noise
from gan_jax.loop import train
from gan_jax.run import load, sample_to_file
from gan_jax.runners import make_runner


@pytest.fixture(scope="module")
def conditional_run(tmp_path_factory):
    """Two rounds of a conditional game on digits, with batch normalization in the generator."""
    workdir = tmp_path_factory.mktemp("digits") / "run"
    changes = {"data.source": "digits", "labels": "auto", "total_kimg": 0.032, "networks.generator.norm": "batch"}
    train(get_config(**changes), workdir, make_runner("jit"))
    return workdir


def of_run(workdir, **changes):
    given = {"real": None, "num": 60, "seed": 0, "metrics": "auto", "features": "auto", "checkpoint": "last"}
    return evaluate_run(Path(workdir), **{**given, "ema": True, "out": None, **changes})


def of_sets(a, b, **changes):
    given = {"image_size": "native", "num": 500, "seed": 0, "metrics": "auto", "features": "auto", "out": None}
    return evaluate_sets(str(a), str(b), **{**given, **changes})


def test_a_run_is_measured_by_all_metrics_of_digits(conditional_run, capsys, monkeypatch):
    monkeypatch.setattr(cas, "IMAGES", 300)
    report = of_run(conditional_run, metrics="all")
    assert set(report.results) == {
        "fid", "kid", "kid_error", "is", "is_deviation", "precision", "recall", "density", "coverage",
        "modes", "kl", "confidence", "class_accuracy", "nearest", "nearest_real", "copies", "sharpness", "ppl", "cas",
    }  # fmt: skip
    printed = capsys.readouterr()
    assert all(name in printed.out for name in report.results) and "classifier digits" in printed.out
    assert "take 10,000 or more, or kid" in printed.err
    assert "nn looks for neighbors among 60 of the 10,000 real examples only" in printed.err
    written = json.loads((conditional_run / "evaluations.jsonl").read_text().splitlines()[-1])
    assert written["results"] == report.results
    fake, real = written["protocol"]["fake"], written["protocol"]["real"]
    assert fake["generator"] == "averaged" and fake["batch_statistics"] == "re-estimated from 2,048 samples"
    assert (fake["count"], real["count"], real["source"]) == (60, 10_000, "digits")
    assert fake["labels"] == "as in the real set" and written["protocol"]["shape"] == "28x28x1 uint8"
    assert written["protocol"]["settings"]["pr"] == {"k": 3}
    assert written["protocol"]["versions"].keys() == {"gan_jax", "jax", "flax"}
    assert Image.open(conditional_run / written["picture"]).size[0] > 7 * 28


def test_the_same_seed_gives_the_same_numbers_and_another_others(conditional_run, tmp_path):
    given = {"metrics": "fid,kid,pr", "out": tmp_path / "a.json", "overwrite": True}
    first, again = (of_run(conditional_run, **given) for _ in range(2))
    assert first.results == again.results
    assert json.loads((tmp_path / "a.json").read_text())["results"] == first.results
    other, newest = of_run(conditional_run, seed=1, **given), of_run(conditional_run, ema=False, **given)
    assert other.results["fid"] != first.results["fid"] != newest.results["fid"]
    assert newest.protocol["fake"]["generator"] == "newest"
    assert newest.protocol["fake"]["batch_statistics"] == "running averages of training"


def test_real_digits_against_themselves_and_against_noise(tmp_path):
    source = digits()
    half, rest = source.read(np.arange(0, 10_000, 2)), source.read(np.arange(1, 10_000, 2))
    for name, part in (("a", half), ("b", rest)):
        np.savez(tmp_path / f"{name}.npz", images=part["image"], labels=part["label"])
    np.savez(tmp_path / "noise.npz", images=np.random.default_rng(0).integers(0, 256, (500, 28, 28, 1), np.uint8))
    good, bad = (
        of_sets(tmp_path / f"{name}.npz", tmp_path / "b.npz", features="classifier", num=2000).results
        for name in ("a", "noise")
    )
    assert good["fid"] < 0.05 * bad["fid"] and abs(good["kid"]) < 5 * good["kid_error"] and good["is"] > 9
    assert min(good["precision"], good["recall"], good["coverage"]) > 0.8 > 0.1 > bad["recall"] + bad["coverage"]
    assert good["modes"] == 10 and good["kl"] < 0.02 and good["confidence"] > 0.95


def test_samples_of_the_grid_itself_find_all_modes(tmp_path):
    np.savez(tmp_path / "a.npz", points=grid.open_source().read(np.arange(4000))["points"])
    results = of_sets(tmp_path / "a.npz", "grid", num=4000).results
    assert results["modes"] == 25 and 0.98 < results["high_quality"] < 0.995 and results["kl"] < 0.01
    assert {"precision", "density", "swd"} < results.keys() and not {"fid", "kid"} & results.keys()


def test_folders_of_other_sizes_are_resized_when_asked(tmp_path):
    rng = np.random.default_rng(0)
    for name, size in (("a", 28), ("b", 32)):
        (tmp_path / name).mkdir()
        for i in range(12):
            Image.fromarray(rng.integers(0, 256, (size, size), np.uint8)).save(tmp_path / name / f"{i}.png")
    with pytest.raises(UserError, match="differ, 28x28x1 and 32x32x1: --image_size=N resizes both"):
        of_sets(tmp_path / "a", tmp_path / "b", features="classifier")
    report = of_sets(tmp_path / "a", tmp_path / "b", features="classifier", image_size="28", metrics="kid", num=9)
    assert report.protocol["fake"]["count"] == 9 and np.isfinite(report.results["kid"])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"metrics": "fid,beauty"}, "--metrics='beauty': there is no module beauty; .* fid, .*or auto, all, watched"),
        ({"metrics": "swd"}, "swd cannot be measured here: it is for points"),
        ({"num": 3, "metrics": "kid"}, "kid cannot be measured here: it needs 4 examples of each set, and there are 3"),
        ({"num": 5, "metrics": "fid,is"}, "is cannot be measured here: it needs 10 examples"),
        ({"out": Path("nowhere/a.json")}, "--out=nowhere/a.json: there is no folder nowhere"),
        ({"checkpoint": "best"}, "was not evaluated while it was trained"),
        ({"checkpoint": "7"}, "--checkpoint=7: must be best, last or a step; .* has 2$"),
        ({"checkpoint": "first"}, "--checkpoint=first: must be best"),
        ({"real": "ring"}, "ring has examples"),
        ({"real": "nowhere.npz"}, "nowhere.npz: there is no such folder, .zip or .npz file, or data set"),
        ({"features": "dreams"}, "--features='dreams': there is no module dreams; there are: classifier"),
        ({"features": "pixels"}, "--metrics=auto: nothing can be measured here by pixels as they are"),
        ({"features": "classifier:nowhere"}, "there is no classifier nowhere"),
    ],
)
def test_mistakes(conditional_run, tmp_path, changes, message):
    with pytest.raises(UserError, match=message) as caught:
        of_run(conditional_run, **{"out": tmp_path / "a.json", **changes})
    assert len(str(caught.value).splitlines()) == 1 and not list(tmp_path.iterdir())


def test_metrics_that_a_set_does_not_allow(tmp_path):
    np.savez(tmp_path / "a.npz", images=digits().read(np.arange(20))["image"])
    for metric, message in (("ppl", "a run whose generator"), ("cas", "needs labeled data"), ("modes", None)):
        if message:
            with pytest.raises(UserError, match=message):
                of_sets(tmp_path / "a.npz", tmp_path / "a.npz", features="classifier", metrics=metric)
        else:
            assert of_sets(tmp_path / "a.npz", "digits", metrics=metric).results["modes"] > 5
    with pytest.raises(UserError, match=r"fid cannot be measured here: .* use swd"):
        of_sets("ring", "ring", metrics="fid")
    with pytest.raises(UserError, match="the modes of this set are not known"):
        of_sets("moons", "moons", metrics="modes")
    with pytest.raises(UserError, match="ppl cannot be measured here: it needs image data"):
        of_sets("ring", "ring", metrics="ppl")
    assert set(of_sets(tmp_path / "a.npz", "digits", num=7).results) == {  # what so few allow
        "fid", "kid", "kid_error", "precision", "recall", "density", "coverage", "modes", "kl",
        "confidence", "nearest", "nearest_real", "copies",
    }  # fmt: skip


def test_sets_are_named_as_in_a_config_or_by_their_path_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    some = digits().read(np.arange(20))
    np.savez("a.npz", images=some["image"])
    for name in ("moons", "mine"):
        Path(name).mkdir()
        Image.fromarray(some["image"][0, ..., 0]).save(f"{name}/0.png")
    assert len(open_set("a.npz", "native", "crop")) == len(open_set("npz:a.npz", "native", "crop")) == 20
    assert len(open_set("mine", "native", "crop")) == len(open_set("folder:mine", "native", "crop")) == 1
    assert len(open_set("moons", "native", "crop")) == 100_000 and len(open_set("./moons", "native", "crop")) == 1
    Path("text.txt").write_text("text")
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.write("mine/0.png")
    assert len(open_set("a.zip", "native", "crop")) == len(open_set("a.zip/mine", "native", "crop")) == 1
    with pytest.raises(UserError, match="--image_size=many"):
        open_set("mine", "many", "crop")
    for name in ("nowhere", "npz:nowhere.npz", "nowhere.zip", "text.txt", "a.zip/nowhere"):
        with pytest.raises(UserError):
            open_set(name, "native", "crop")


def test_the_order_of_a_file_does_not_matter(tmp_path):
    """Classes that lie one after the other, more of them on one side."""
    source = grid.open_source()
    rows = np.argsort(source.labels[:10_000], kind="stable")
    np.savez(tmp_path / "sorted.npz", points=source.read(rows)["points"])
    np.savez(tmp_path / "few.npz", points=source.read(np.arange(10_000, 10_500))["points"])
    results = of_sets(tmp_path / "few.npz", tmp_path / "sorted.npz", num=10_000).results
    assert results["swd"] < 0.6 and results["recall"] > 0.7 and results["coverage"] > 0.8


def test_another_real_set_takes_the_size_of_the_run_and_its_features(conditional_run, tmp_path):
    np.savez(tmp_path / "big.npz", images=np.random.default_rng(0).integers(0, 256, (30, 40, 56, 1), np.uint8))
    report = of_run(conditional_run, real=str(tmp_path / "big.npz"), num=20, metrics="kid", out=tmp_path / "a.json")
    assert report.protocol["features"].startswith("classifier digits")
    assert report.protocol["fake"]["labels"] == "each in turn" and report.protocol["real"]["count"] == 30


def test_best_and_last_are_kept_and_the_best_is_found_again(tmp_path, monkeypatch, capsys):
    """Four evaluations with made-up numbers: the second is the best one, then the modes go, then all."""
    numbers = iter([(0.4, 8), (0.9, 8), (0.8, 7), (0.18, 3)])

    def make_monitor(config, experiment, source):
        real = make_evaluation(config, experiment, source)

        def monitor(state):
            coverage, modes = next(numbers)
            return real(state)._replace(results={"coverage": coverage, "modes": modes})

        return monitor

    make_evaluation = evaluate.make_monitor
    monkeypatch.setattr("gan_jax.loop.make_monitor", make_monitor)
    changes = {"total_kimg": 0.64, "eval_kimg": 0.16, "keep_checkpoints": 1, "evaluation.features": "points"}
    changes |= {"log_kimg": 0.16, "sample_kimg": 1.0, "checkpoint_kimg": 0.16, "evaluation.num": 200}
    train(get_config(**changes), tmp_path / "run", make_runner("jit"))
    assert sorted(int(path.name) for path in (tmp_path / "run" / "checkpoints").iterdir()) == [20, 40]
    log = capsys.readouterr().err
    assert "round 30: coverage 0.8, modes 7; best coverage 0.9 at round 20" in log
    assert "warning: 7 modes are left of 8 at round 20: the game may be collapsing" in log
    assert "warning: coverage is 0.18 after a best of 0.9 at round 20: the game may be collapsing" in log
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    evaluated = [line for line in lines if "evaluation/coverage" in line]
    assert [line["evaluation/coverage"] for line in evaluated] == [0.4, 0.9, 0.8, 0.18]
    assert all(
        "200 of round" in line["protocol"] and "against 100,000 of ring" in line["protocol"] for line in evaluated
    )
    best, last = (of_run(tmp_path / "run", metrics="swd", checkpoint=which) for which in ("best", "last"))
    assert "round 20 (best)" in best.protocol["fake"]["source"] and "round 40 (last)" in last.protocol["fake"]["source"]
    assert best.results != last.results
    about = {"step": 20, "selected_by": "coverage", "features": "points as they are"}
    assert load(tmp_path / "run").record["best"] == {"coverage": 0.9, "modes": 8, **about}


def test_a_set_in_place_of_samples_is_read_as_the_data_of_the_run(conditional_run, tmp_path):
    """Real examples, as a ceiling; what needs the generator cannot be measured then."""
    report = of_run(conditional_run, fake="digits", metrics="auto", num=400, out=tmp_path / "a.json")
    samples = of_run(conditional_run, metrics="fid", num=400, out=tmp_path / "b.json")
    assert report.results["fid"] < 0.1 * samples.results["fid"] and report.results["class_accuracy"] > 0.97
    assert report.protocol["fake"] == {"source": "digits", "fit": "crop", "count": 400}
    with pytest.raises(UserError, match="ppl cannot be measured here"):
        of_run(conditional_run, fake="digits", metrics="ppl")
    with pytest.raises(UserError, match=r"ring has examples \[2\]"):
        of_run(conditional_run, fake="ring")


def test_own_pictures_are_not_evaluated_unless_asked(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", images=np.zeros((32, 8, 8, 3), np.uint8))
    changes = {"data.source": f"npz:{tmp_path / 'a.npz'}", "evaluation.features": "auto", "total_kimg": 0.016}
    train(get_config(**changes), tmp_path / "run", make_runner("jit"))
    assert "not evaluated" in capsys.readouterr().err
    able = "fid, kid, dc, class_accuracy, words, r_precision, pairs, frames, shapes and miou"
    with pytest.raises(UserError, match=f"one of {able} must select the best round"):
        unselected = get_config(**{"evaluation.features": "points", "evaluation.metrics": "modes"})
        train(unselected, tmp_path / "other", make_runner("jit"))
    assert not (tmp_path / "other").exists()


def report(**results):
    signs = {"fid": 1, "kid": 1, "coverage": -1}
    better = {name: sign for name, sign in signs.items() if name in results}
    return Report(results, {"features": "f"}, better=better)


def test_the_best_round_is_the_one_of_the_smallest_distance():
    first = best_so_far(None, report(kid=0.0, fid=3.0), 10)
    assert (first["selected_by"], first["step"], first["fid"]) == ("fid", 10, 3.0)
    assert best_so_far(first, report(kid=-1.0, fid=3.0), 20) is first
    assert best_so_far(first, report(kid=9.0, fid=2.9), 20)["step"] == 20


def test_the_best_round_of_an_older_version():
    best = {"fid": 3.0, "sure": 0.5, "step": 10, "judge": "fid", "features": "f"}
    kept = {"fid": 3.0, "sure": 0.5, "step": 10, "selected_by": "fid", "features": "f"}
    assert best_so_far(best, report(fid=4.0), 20) == kept and best_so_far(best, report(fid=2.0), 20)["step"] == 20


def test_a_best_round_that_another_network_measured():
    first = best_so_far(None, report(fid=3.0), 10)
    other = report(fid=2.0)._replace(protocol={"features": "g"})
    with pytest.raises(UserError, match="round 10, the best, was measured by f, this one by g: bring that network"):
        best_so_far(first, other, 20)


def test_samples_of_a_run_can_be_measured_as_a_set(conditional_run, tmp_path):
    for name, label in (("all", None), ("nines", "9")):
        sample_to_file(conditional_run, tmp_path / f"{name}.npz", num=12, seed=0, label=label, ema=True)
        assert of_sets(tmp_path / f"{name}.npz", "digits", metrics="kid").protocol["fake"]["count"] == 12
    images = np.load(tmp_path / "all.npz")["images"]
    np.savez(tmp_path / "unlabeled.npz", images=images, labels=np.full(12, -1))  # as of an unconditional run
    assert of_sets(tmp_path / "unlabeled.npz", "digits", metrics="kid").protocol["fake"]["count"] == 12


def test_a_report_overwrites_reports_only(conditional_run, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for out, overwrite, message in (
        ("config.json", True, "is there already and gan_jax did not make it"),
        ("config.json", False, "is there already"),
        (".", True, "that is a folder"),
        ("a.json", False, "a.json is there already: choose another --out, or replace it with --overwrite"),
    ):
        of_run(conditional_run, metrics="fid", num=20, out=tmp_path / "a.json", overwrite=True)
        with pytest.raises(UserError, match=message):
            of_run(conditional_run, metrics="fid", out=tmp_path / out, overwrite=overwrite)
    assert (tmp_path / "config.json").read_text() == "{}"
    lines = conditional_run / "evaluations.jsonl"
    before, _ = lines.read_text() if lines.exists() else "", lines.write_text("notes")
    with pytest.raises(UserError, match=r"evaluations\.jsonl is there already and gan_jax did not make it"):
        of_run(conditional_run, metrics="fid")
    lines.write_text(before) if before else lines.unlink()


def test_of_coverages_the_largest_is_best():
    first = best_so_far(None, report(coverage=0.5), 10)
    assert best_so_far(first, report(coverage=0.4), 20) is first
    assert best_so_far(first, report(coverage=0.6), 20)["step"] == 20
    assert collapse(report(coverage=0.3), first) == ""
    assert collapse(report(coverage=0.2), first) == "coverage is 0.2 after a best of 0.5"


def test_signs_of_a_collapse():
    best = {"fid": 10.0, "modes": 10, "selected_by": "fid"}
    assert collapse(report(fid=19.0, modes=10), best) == ""
    assert collapse(report(fid=137.0, modes=10), best) == "fid is 137 after a best of 10"
    assert collapse(report(fid=11.0, modes=9), best) == "9 modes are left of 10"
    assert collapse(report(fid=11.0, modes=0), {**best, "modes": 0}) == ""  # at the start
    assert collapse(report(fid=11.0, modes=991), {**best, "modes": 1000}) == ""  # by chance, in so many
    best = {"kid": -0.001, "selected_by": "kid"}  # an estimate without bias may be below 0
    assert collapse(report(kid=0.005, kid_error=0.001), best) == ""
    assert collapse(report(kid=0.05, kid_error=0.001), best) == "kid is 0.05 after a best of -0.001"


def test_a_metric_of_ones_own_is_measured_while_training_and_afterwards(tmp_path, monkeypatch, capsys):
    module = types.ModuleType("reach")
    compute = lambda inputs: {"reach": float(np.abs(inputs.fake_stats.features).max())}
    module.METRIC = Metric(compute, better={"reach": -1})
    monkeypatch.setitem(sys.modules, "reach", module)
    changes = {"evaluation.features": "auto", "evaluation.metrics": "reach,dc", "evaluation.num": 50}
    train(get_config(**changes), tmp_path / "run", make_runner("jit"))
    assert "best coverage" in capsys.readouterr().err  # the library's own metrics go before those of unknown order
    best = load(tmp_path / "run").record["best"]
    report = of_run(tmp_path / "run", metrics="reach", num=50)
    assert report.results == {"reach": best["reach"]} and report.better == {"reach": -1}


def test_samples_of_few_examples_are_compared_with_all():
    """`evaluation.source`, of the same classes; by default what the run is trained on."""
    changes = {"data.source": "digits", "data.classes": "5,6", "data.each": 10}
    for source, count, called in (("", 20, "digits"), ("digits", 892 + 958, "digits (classes 5,6)")):
        config = get_config(**changes, **{"evaluation.source": source})
        trained_on = open_source(config.data)
        real, name = real_for_noise(config, trained_on, "", trained_on.fields["image"])
        assert (len(real), name, len(trained_on)) == (count, called, 20)
