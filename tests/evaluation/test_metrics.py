"""What each metric says of itself, what can be measured where, and a metric of one's own."""

import importlib
import sys
import types

import hand_made
import jax
import numpy as np
import pytest
from documents import PAGES, files

from gan_jax.data import make_source
from gan_jax.data.sources import moons, ring
from gan_jax.errors import UserError
from gan_jax.evaluate import make_fakes, watched_metrics
from gan_jax.evaluation.features import Features
from gan_jax.evaluation.measure import make_evaluator
from gan_jax.evaluation.metrics import KEY, EvalInputs, Metric, Model, choose, own_metrics, why_not
from gan_jax.game import Map
from gan_jax.latent.spaces import z_space
from gan_jax.lookup import only_the_librarys_own
from gan_jax.noise import per_example

FLAT = lambda params, x: (x.reshape(len(x), -1) / 255.0, None)
NETWORK = Features("a network", None, FLAT, 8)
NO_FEATURES = Features("pixels as they are", None, None, 8, learned=False)
COORDINATES = Features("points as they are", None, lambda params, x: (x, None), 64, learned=False)


def of_map(name, features=NETWORK, n=20, unpaired=0):
    """The inputs of metrics, of what a map of `hand_made` makes."""
    experiment, source = hand_made.experiment(name), hand_made.source(n, unpaired)
    game_map = experiment.game.maps[name]
    fakes, _ = make_fakes(experiment, game_map, source, n, 0)
    variables = {"generator": {"params": hand_made.PARAMS}}
    return EvalInputs(source, fakes(variables), features, 0, Model(experiment.game, game_map, variables))


def of_points(source):
    return EvalInputs(source, source.select(np.arange(3000)), COORDINATES)


def measured(inputs, names):
    metrics = choose(names, inputs)
    evaluate = make_evaluator(inputs.real, inputs.features, 100, {"source": "real"})
    return evaluate(inputs.fake, metrics, {"source": "fake"}, inputs.model)


def test_the_order_in_which_results_select_the_best_round():
    metrics = own_metrics()
    assert list(metrics) == [
        "fid",
        "kid",
        "is",
        "pr",
        "dc",
        "modes",
        "class_accuracy",
        "swd",
        "nn",
        "nearest",
        "words",
        "r_precision",
        "pairs",
        "frames",
        "sharpness",
        "shapes",
        "connected",
        "miou",
        "diversity",
        "ppl",
        "cas",
        "augmentation",
        "classify",
    ]
    better = {result: sign for metric in metrics.values() for result, sign in metric.better.items()}
    of_classes, of_words = [("coverage", -1), ("class_accuracy", -1)], [("words", -1), ("r_precision", -1)]
    of_pairs = [("ssim", -1), ("psnr", -1)]
    assert list(better.items()) == [
        ("fid", 1),
        ("kid", 1),
        *of_classes,
        *of_words,
        *of_pairs,
        ("nn_accuracy", 1),
        ("miou", -1),
    ]
    assert [name for name in metrics if metrics[name].slow] == ["sharpness", "diversity", "ppl", "cas", "augmentation"]


def test_what_can_be_measured_of_points():
    assert list(choose("all", of_points(ring.open_source()))) == ["pr", "dc", "modes", "swd", "nearest"]
    assert list(choose("all", of_points(moons.open_source()))) == ["pr", "dc", "swd", "nearest"]


def test_what_can_be_measured_of_samples():
    assert list(choose("all", of_map("sample"))) == ["fid", "kid", "pr", "dc", "nn", "nearest", "sharpness"]
    assert list(choose("auto", of_map("conditional"))) == ["fid", "kid", "pr", "dc", "nn", "nearest"]
    assert list(choose("all", of_map("conditional"))) == ["fid", "kid", "pr", "dc", "nn", "nearest", "sharpness", "cas"]
    assert list(choose("all", of_map("sample", n=5))) == ["fid", "kid", "pr", "nearest", "sharpness"]


def test_what_can_be_measured_of_translations():
    assert list(choose("all", of_map("ab", NO_FEATURES))) == ["pairs", "sharpness"]
    with pytest.raises(UserError, match="pairs cannot be measured here: it needs a run that translates images, and"):
        choose("pairs", of_map("ab", unpaired=7))


def test_if_nothing_can_be_measured_it_is_one_clear_error():
    with pytest.raises(UserError, match="nothing can be measured here by pixels as they are") as caught:
        choose("auto", of_map("sample", NO_FEATURES))
    message = str(caught.value)
    assert message.startswith("--metrics=auto: ") and len(message.splitlines()) == 1
    assert "choose features=classifier:FILE or inception" in message and "a run that translates images" in message
    assert list(choose("all", of_map("sample", NO_FEATURES))) == ["sharpness"]


@pytest.mark.parametrize(
    "name, message",
    [
        ("fid,beauty", "--metrics='beauty': there is no module beauty.* auto, all, watched"),
        ("swd", "--metrics=swd: swd cannot be measured here: it is for points"),
        ("is", "is cannot be measured here: it needs the logits of a classifier"),
        ("modes", "these features know nothing of the classes"),
        ("ppl", "it needs a run whose generator decodes latents"),
        ("classify", "it needs a run that classifies"),
        ("fid,", "--metrics='': that is no module's name"),
    ],
)
def test_metrics_that_cannot_be(name, message):
    with pytest.raises(UserError, match=message) as caught:
        choose(name, of_map("sample"))
    assert len(str(caught.value).splitlines()) == 1


def test_metrics_in_a_config_are_named_so():
    with pytest.raises(UserError, match=r"^--config\.evaluation\.metrics=swd: swd cannot"):
        choose("swd", of_map("sample"), given_as="--config.evaluation.metrics")


def test_what_is_watched_is_what_the_modalities_say():
    experiment = hand_made.experiment("sample", "classify")
    assert watched_metrics(experiment) == ("fid", "kid", "modes", "words", "r_precision", "pairs", "classify")
    inputs = of_map("sample")
    assert list(choose("watched", inputs, watched_metrics(experiment))) == ["fid", "kid"]


def test_the_test_error_is_that_of_the_held_out_examples():
    source = hand_made.source(40)
    source = make_source("image", source.columns["image"], source.labels, hand_made.NAMES)
    tests = source.select(np.arange(30))
    source = type(source)(source.fields, source.columns, {"held_out": tests, "labeled": source.select(np.arange(6))})
    experiment = hand_made.experiment("sample", "classify")
    inputs = of_map("sample")
    model = Model(experiment.game, experiment.game.maps["sample"], inputs.model.variables)
    report = measured(EvalInputs(source, inputs.fake, NO_FEATURES, 0, model), "classify")
    mean = tests.read(np.arange(30))["image"].mean(axis=(1, 2, 3)) / 127.5 - 1
    right = np.abs(mean[:, None] - [-0.5, 0.0, 0.5]).argmin(axis=1) == tests.labels
    assert report.results == {"test_error": pytest.approx(1 - right.mean())}
    assert report.protocol["settings"] == {"classify": {"held_out": 30, "labeled": 6}}


def test_pairs_by_hand():
    inputs = of_map("ab", NO_FEATURES)
    results = measured(inputs, "pairs").results
    assert set(results) == {"l1", "psnr"}  # SSIM needs 11 pixels, and the inputs have colors that the targets lack
    fake, real = (source.read(np.arange(20))["image"].astype(float) for source in (inputs.fake, inputs.real))
    assert results["l1"] == pytest.approx(np.abs(fake - real).mean() / 255, rel=1e-4)


def test_a_metric_of_a_module_of_ones_own(monkeypatch):
    """It is found by the module's name, beside those of the library, and may select the best round."""

    def compute(inputs):
        real, fake = (stats.features.mean() for stats in (inputs.real_stats, inputs.fake_stats))
        return {"brighter": float(fake - real)}

    module = types.ModuleType("my_metric")
    module.METRIC = Metric(
        compute,
        why_not=lambda inputs: "" if inputs.model else "it needs a run",
        needs_each=True,
        better={"brighter": -1},
        settings=lambda inputs: {"seed": inputs.seed},
        warning=lambda inputs: f"of {len(inputs.fake)}",
    )
    monkeypatch.setitem(sys.modules, "my_metric", module)
    inputs = of_map("sample")
    report = measured(inputs, "my_metric,fid")
    assert list(report.results) == ["fid", "brighter"] and report.better == {"fid": 1, "brighter": -1}
    fake, real = (source.read(np.arange(20))["image"] for source in (inputs.fake, inputs.real))
    assert report.results["brighter"] == pytest.approx((fake.mean() - real.mean()) / 255, abs=1e-5)
    assert report.protocol["settings"] == {"my_metric": {"seed": 0}} and report.warnings[-1] == "of 20"
    with pytest.raises(UserError, match="my_metric cannot be measured here: it needs a run"):
        choose("my_metric", inputs._replace(model=None))
    with only_the_librarys_own():
        assert list(choose("my_metric", inputs)) == ["my_metric"]  # as the user says so
        with pytest.raises(UserError, match="--code=FOLDER"):
            choose("my_metric", inputs, given_as=KEY)


def test_the_metric_that_the_documentation_shows(tmp_path, monkeypatch):
    (tmp_path / "brightness.py").write_text(files(PAGES["docs/evaluation.md"])["brightness.py"])
    monkeypatch.syspath_prepend(tmp_path)
    inputs = of_map("sample", n=100)
    fake, real = (source.read(np.arange(100))["image"].mean() for source in (inputs.fake, inputs.real))
    assert measured(inputs, "brightness").results == {"brighter": fake - real}
    with pytest.raises(UserError, match="it needs 100 examples of each set, and there are 20"):
        choose("brightness", of_map("sample"))


def test_a_module_without_a_metric():
    with pytest.raises(UserError, match="--metrics='json': json has no METRIC"):
        choose("json", of_map("sample"))


def test_path_lengths_of_a_linear_generator():
    """The labels that are given reach the decoder too."""
    ppl = importlib.import_module("gan_jax.evaluation.metrics.ppl")
    draw = lambda key, index: per_example(jax.random.normal, key, index, (64,))
    scale = lambda given: 1 + given["label"][:, None, None, None]
    decode = lambda variables, z, given, *noise: 1e-2 * z.reshape(-1, 8, 8, 1) * scale(given)
    game_map = Map(("label",), "image", lambda variables, key, index, given: decode(variables, draw(key, index), given))
    experiment = hand_made.experiment("sample", maps={"sample": game_map}, spaces={"z": z_space(draw, decode, 64)})
    source = hand_made.source(40)
    fakes, _ = make_fakes(experiment, game_map, source, 40, 0)
    inputs = EvalInputs(source, fakes({}), NETWORK, 0, Model(experiment.game, game_map, {}))
    assert why_not(ppl.METRIC, inputs) == ""
    # 64 numbers of variance 1, each half of 1e-2 of a pixel's range, turn by about a right angle on a path of length 1.
    about = np.mean(64 * (np.pi / 2 * 1e-2 / 2 * (1 + inputs.fake.labels)) ** 2)
    assert 0.7 < ppl.compute(inputs)["ppl"] / about < 1.3
