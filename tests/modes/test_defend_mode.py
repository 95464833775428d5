"""`--mode=defend`: what is measured, that it goes on where it was stopped, and mistakes in one line."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax import defend
from gan_jax.errors import UserError
from gan_jax.evaluation import classifier

FEW = "--num=20", "--adaptive=3", "--steps=2", "--restarts=1"


@pytest.fixture
def run_defend(run_mode, digits_workdir, tmp_path, monkeypatch):
    """`(*flags) -> report`, with short attacks."""
    for name, steps in (("make_pgd", 3), ("make_carlini_wagner", 5)):
        own = getattr(defend.attacks, name)
        monkeypatch.setattr(
            defend.attacks, name, lambda *given, own=own, steps=steps, **how: own(*given, steps=steps, **how)
        )

    def run(*flags):
        run_mode("--mode=defend", f"--workdir={digits_workdir}", f"--out={tmp_path / 'out'}", *FEW, *flags)
        return json.loads((tmp_path / "out" / "report.json").read_text())["attacks"]

    return run


def test_what_is_measured(run_defend, tmp_path, capsys):
    found = run_defend()
    assert list(found) == ["none", "fgsm", "rand_fgsm", "pgd", "cw", "bpda", "manifold"]
    assert [own["images"] for own in found.values()] == [20] * 5 + [3] * 2
    assert found["none"]["accuracy"] > 0.9 and found["none"]["largest_change"] == 0
    assert found["fgsm"]["accuracy"] < 0.7 and found["pgd"]["accuracy"] < 0.7
    for name in ("fgsm", "rand_fgsm", "pgd", "bpda"):
        assert 0.2 < found[name]["largest_change"] <= 0.3 + 1 / 255
    cleaned = {own["accuracy_cleaned"] for name, own in found.items() if own["images"] == 20}
    assert max(cleaned) < 0.5  # by a generator that knows nothing
    told = capsys.readouterr().out
    assert "no defense against those who know of it" in told and "rand_fgsm" in told
    for name, own in found.items():
        columns = min(own["images"], defend.SHOWN)
        assert Image.open(tmp_path / "out" / f"{name}.png").size == (columns * 56, 3 * 56)


def test_it_goes_on(run_defend, monkeypatch):
    """What is done is not done again; with other settings it is another report."""
    first = run_defend("--attacks=fgsm")
    monkeypatch.setattr(defend, "attack", lambda setting, name, stored, *others: 255 - stored)
    both = run_defend("--attacks=fgsm,none")
    assert both["fgsm"] == first["fgsm"] and both["none"]["largest_change"] == 1
    with pytest.raises(UserError, match=r"report.json is of other settings: choose another --out"):
        run_defend("--attacks=fgsm", "--epsilon=0.1")
    assert run_defend("--attacks=none", "--epsilon=0.1", "--overwrite").keys() == {"none"}


def test_what_cleaning_finds(digits_workdir):
    """The nearest image that the generator makes, of which an image that it made is one."""
    from gan_jax.latent.inversion import Search
    from gan_jax.run import load

    model = load(digits_workdir).model()
    setting = defend.set_up(model, classifier.load(), Search(steps=100, prior=0.0), 0.3)
    made = model.decode(model.draw(range(3), np.arange(3)))
    distance = np.abs(setting.clean(made).astype(int) - made).mean()
    assert distance < 0.5 * np.abs(model.decode(model.draw(range(3, 6), np.arange(3))).astype(int) - made).mean()


@pytest.mark.parametrize("flags, message", [
    (("--attacks=fgsm,cat",), "--attacks=fgsm,cat: 'cat' is none, they are none,fgsm"),
    (("--epsilon=0",), "--epsilon=0.0: must be above 0"),
    (("--num=0",), "--num, --adaptive and --restarts must be positive"),
    (("--classifier=no.npz",), "there is no classifier no.npz"),
])  # fmt: skip
def test_mistakes(run_defend, flags, message):
    with pytest.raises(UserError, match=message):
        run_defend(*flags)


def test_sets_that_do_not_fit(run_defend, tmp_path):
    np.savez(tmp_path / "unlabeled.npz", images=np.zeros((4, 28, 28, 1), np.uint8))
    with pytest.raises(UserError, match=r"knows 10 classes, .* has no labels: choose another --test"):
        run_defend(f"--test={tmp_path / 'unlabeled.npz'}")
    about = {"classes": ["a", "b"]}
    params = classifier.Network(2).init(jax.random.key(0), np.zeros((1, 8, 8, 3)))
    classifier.save(tmp_path / "other.npz", params, (8, 8, 3), 2, about)
    with pytest.raises(UserError, match="takes images 8x8x3, this run makes 28x28x1: train one of that size"):
        run_defend(f"--classifier={tmp_path / 'other.npz'}")
