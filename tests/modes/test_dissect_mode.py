"""`--mode=dissect` and `--mode=paint`: what they write, and mistakes in one line."""

import json

import jax
import numpy as np
import pytest
from PIL import Image
from tiny import get_config

from gan_jax.errors import UserError
from gan_jax.evaluation import segmenter, trained
from gan_jax.latent.units import find_layer
from gan_jax.loop import train
from gan_jax.run import load
from gan_jax.runners import make_runner

NAMES = ("light", "dark", "gray")


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """One round of a conditional DCGAN on digits, whose activations were recomputed in training."""
    workdir = tmp_path_factory.mktemp("digits")
    networks = {"generator": {"name": "dcgan", "width": 2}}
    train(
        get_config(
            **{"data.source": "digits", "labels": "auto", "total_kimg": 0.016, "networks": networks, "remat": True}
        ),
        workdir,
        make_runner("jit"),
    )
    return workdir


@pytest.fixture
def dissect(run_mode, workdir, tmp_path, monkeypatch):
    """`(*flags) -> report`, with few samples."""
    monkeypatch.setattr("gan_jax.dissect.FRESH", 20)
    monkeypatch.setattr("gan_jax.dissect.DRAWS", 2)

    def dissect(*flags, out="found"):
        run_mode("--mode=dissect", f"--workdir={workdir}", f"--out={tmp_path / out}", "--num=40", *flags)
        return json.loads((tmp_path / out / "report.json").read_text())

    return dissect


@pytest.fixture
def paint(run_mode, workdir, tmp_path):
    def paint(strokes, *flags, out="painted.png"):
        (tmp_path / "strokes.json").write_text(json.dumps(strokes))
        given = f"--workdir={workdir}", f"--strokes={tmp_path / 'strokes.json'}", f"--out={tmp_path / out}"
        run_mode("--mode=paint", *given, *flags)
        return np.asarray(Image.open(tmp_path / out))

    return paint


@pytest.fixture
def own_segmenter(tmp_path):
    """One that was never trained, of digits."""
    params = segmenter.Network(3).init(jax.random.key(0), np.zeros((1, 28, 28, 1)))
    path = tmp_path / "segmenter.npz"
    trained.save(path, params, {"image_shape": (28, 28, 1), "classes": NAMES})
    return path


def test_a_report(dissect, workdir, tmp_path, capsys):
    report = dissect("--concepts=digits", "--artefacts", "--units=3")
    told = capsys.readouterr().out
    assert "of 4 concepts have units of their own" in told and "report.html" in told
    assert report["concepts"].keys() == {"ink", "hole", "end", "junction"}
    height, width, units = report["shape"]
    assert report["layers"][report["layer"]] == [height, width, units] and 4 * height <= 28
    ink = report["concepts"]["ink"]
    assert len(ink["iou"]) == len(ink["value"]) == units and sorted(ink["ranked"]) == list(range(units))
    assert ink["best_iou"] == max(ink["iou"]) == ink["iou"][ink["best_unit"]]
    assert len(report["artefacts"]["units"]) == 3 and len(report["artefacts"]["distance"]) == units
    assert report["run"]["generator"] == load(workdir).model().fingerprint
    page = (tmp_path / "found" / "report.html").read_text()
    assert page.startswith("<!doctype html>") and "http" not in page and "junction" in page
    assert Image.open(tmp_path / "found" / "report.png").size[0] > 100
    with pytest.raises(UserError, match=r"report\.html is there already"):
        dissect("--concepts=digits")


def test_a_segmenter_a_report_and_paint(dissect, paint, own_segmenter, tmp_path, monkeypatch):
    """The thresholds of what is found are 0, so that something is."""
    monkeypatch.setattr("gan_jax.latent.dissection.LEAST", -1.0)
    monkeypatch.setattr("gan_jax.latent.dissection.CONFIDENCE", 0.0)
    report = dissect(f"--segmenter={own_segmenter}", "--steps=1", "--units=2", "--strength=3", "--seed=3")
    name, effects = next(iter(report["effects"].items()))
    assert name in NAMES and effects["removed"].keys() == effects["units"].keys() == {"iou", "optimized"}
    assert effects["inserted"].keys() == {"iou", "optimized", "random"}
    assert all(sum(own["places"] for own in each.values()) == 5 * 20 for each in effects["inserted"].values())
    page = (tmp_path / "found" / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 4

    stroke = {"concept": name, "rectangle": [0, 0, 28, 14]}
    folder = f"--dissection={tmp_path / 'found'}"
    picture = paint([stroke], folder, "--seeds=0,1")
    assert picture.shape[0] > 2 * 56
    with pytest.raises(UserError, match=r"there is no report of --mode=dissect in .*dissection"):
        paint([stroke], out="other.png")
    with pytest.raises(UserError, match="is the dissection of another run, or of another checkpoint or average"):
        paint([stroke], folder, "--noema", out="other.png")


def test_a_classifier_ranks_by_gradients_alone(dissect):
    report = dissect("--concepts=classifier", "--steps=1", "--units=1", "--label=3")
    assert list(report["effects"]) == list("0123456789") and "concepts" not in report
    assert report["effects"]["3"]["removed"].keys() == {"optimized"} and "inserted" not in report["effects"]["3"]


def test_paint_by_layers_and_units(paint, workdir):
    model = load(workdir).model()
    stroke = {"layer": find_layer(model), "units": [0, 1], "value": 5.0, "rectangle": [0, 0, 14, 28]}
    plain, painted = paint([], "--seed=1"), paint([stroke], "--seed=1", out="b.png")
    assert plain.shape == painted.shape
    side = 56
    before, after = (painted[-side:, start : start + side] for start in (0, painted.shape[1] - side))
    assert np.any(before != after)
    np.testing.assert_array_equal(plain[-side:, :side], plain[-side:, -side:])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--mode=dissect needs --workdir=DIR, --out=FOLDER and --segmenter=FILE or --concepts=NAME"),
        (["--concepts=digits", "--segmenter=a.npz"], "--mode=dissect needs"),
        (["--concepts=digits", "--units=0"], "--num and --units must be positive"),
        (["--concepts=digits", "--strength=0"], "--strength=0.0: must be above 0"),
        (["--concepts=digits", "--layer=none"], "--layer=none: no feature map of this generator has that name"),
        (["--concepts=classifier", "--steps=0"], "nothing tells where they are, so units are ranked by --steps alone"),
        (["--segmenter=none.npz"], "there is no segmenter none.npz"),
    ],
)
def test_mistakes(dissect, flags, message):
    with pytest.raises(UserError, match=message):
        dissect(*flags)


def test_paint_needs_strokes(run_mode, workdir, tmp_path):
    with pytest.raises(UserError, match=r"--mode=paint needs --strokes=FILE\.json"):
        run_mode("--mode=paint", f"--workdir={workdir}", f"--out={tmp_path / 'a.png'}")
