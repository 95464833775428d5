import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from gan_jax.config import config_for
from gan_jax.data import make_source
from gan_jax.data.sources.digits import digits
from gan_jax.data.sources.stacked_digits import stacked_digits
from gan_jax.errors import UserError
from gan_jax.evaluation import classifier


def stripes(n=240, side=8, seed=0):
    """Two classes that a glance tells apart: horizontal and vertical stripes, in noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n).astype(np.int32)
    bright = np.arange(side) % 4 < 2
    pattern = np.where(labels[:, None, None] == 0, bright[:, None], bright[None, :]) * 160
    images = (pattern + rng.integers(0, 80, (n, side, side))).astype(np.uint8)[..., None]
    return make_source("image", images, labels, ("horizontal", "vertical"))


def mislabeled(source):
    return make_source("image", source.columns["image"], 1 - source.labels, source.class_names)


@pytest.fixture(scope="module")
def params():
    return classifier.train(stripes(), images=2000, batch_size=32)


def test_it_learns_what_a_glance_tells(params):
    assert classifier.accuracy(params, stripes(seed=1)) > 0.99
    assert classifier.accuracy(params, mislabeled(stripes(seed=1))) < 0.01


def test_training_is_a_function_of_its_seed(params):
    again, other = (classifier.train(stripes(), images=2000, batch_size=32, seed=seed) for seed in (0, 1))
    jax.tree.map(np.testing.assert_array_equal, again, params)
    assert not np.array_equal(jax.tree.leaves(other)[0], jax.tree.leaves(params)[0])


def test_accuracy_score_is_high_for_good_fakes_and_low_for_wrong_labels():
    real, fake = stripes(), stripes(seed=2)
    assert classifier.accuracy_score(fake, real, images=2000) > 0.99
    assert classifier.accuracy_score(mislabeled(fake), real, images=2000) < 0.01


def test_a_file_brings_back_what_was_saved(params, tmp_path):
    saved = classifier.save(tmp_path / "c.npz", params, (8, 8, 1), 2, {"trained_on": "stripes"})
    loaded = classifier.load(tmp_path / "c.npz")
    assert loaded.sha256 == saved.sha256 and loaded.about["trained_on"] == "stripes"
    assert (loaded.image_shape, loaded.num_classes) == ((8, 8, 1), 2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6), loaded.params, params)
    other = classifier.save(tmp_path / "d.npz", jax.tree.map(lambda x: x + 0.1, params), (8, 8, 1), 2, {})
    assert other.sha256 != saved.sha256


def test_unit_features_change_no_logit(params):
    source = stripes(seed=4)
    scaled = classifier.with_unit_features(params, source)
    features, logits = classifier.apply_to_all(scaled, source)
    assert np.mean(features**2) == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(logits, classifier.apply_to_all(params, source)[1], rtol=1e-4, atol=1e-4)


def test_the_embedded_one_knows_digits_that_it_never_saw():
    embedded, source = classifier.load(), digits()
    assert "test" not in embedded.about["trained_on"] and embedded.about["tested_on"] == "digits"
    assert embedded.about["accuracy"] >= 0.99
    some = source.select(np.arange(1000))
    assert classifier.accuracy(embedded.params, some) >= 0.98


def test_features_of_stacked_digits_are_those_of_each_channel():
    embedded, source = classifier.load(), stacked_digits()
    images = source.read(np.arange(50))["image"]
    pool, logits = classifier.features(embedded, images)
    assert pool.shape == (50, 3 * 128) and logits.shape == (50, 1000)
    assert np.mean(np.argmax(logits, axis=-1) == source.labels[:50]) > 0.9
    red, green, blue = (classifier.features(embedded, images[..., c : c + 1]) for c in range(3))
    np.testing.assert_allclose(pool, np.concatenate([red[0], green[0], blue[0]], axis=1), rtol=1e-5, atol=1e-5)
    alone = [jax.nn.log_softmax(own) for _, own in (red, green, blue)]
    joint = alone[0][:, 4] + alone[1][:, 0] + alone[2][:, 7]
    np.testing.assert_allclose(logits[:, 407], joint, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(jnp.exp(logits).sum(axis=1), 1, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 32, 32, 1), (1, 28, 30, 1)])
def test_images_of_another_size_are_rejected(shape):
    with pytest.raises(UserError, match="the classifier takes images 28x28x1, not"):
        classifier.features(classifier.load(), np.zeros(shape, np.uint8))


def test_files_that_are_no_classifier(tmp_path, params):
    with pytest.raises(UserError, match=r"nowhere\.npz: make one with --mode=train_classifier"):
        classifier.load(tmp_path / "nowhere.npz")
    (tmp_path / "a.npz").write_text("text")
    np.savez(tmp_path / "b.npz", images=np.zeros(3))
    np.savez(tmp_path / "c.npz", about=json.dumps({"image_shape": [8, 8, 1], "num_classes": 2}), x=np.zeros(3))
    with pytest.raises(UserError):
        classifier.save(tmp_path / "d.npz", params, (8, 8, 1), 3, {})  # not the classes that it has
    for name in "abcd":
        with pytest.raises(UserError, match="is not a classifier that --mode=train_classifier has written"):
            classifier.load(tmp_path / f"{name}.npz")


@pytest.mark.parametrize(
    "source",
    [
        make_source("image", np.zeros((8, 8, 8, 1), np.uint8)),
        make_source("points", np.zeros((8, 2), np.float32), np.arange(8, dtype=np.int32) % 2, ("a", "b")),
    ],
)
def test_data_without_labels_or_images(source):
    with pytest.raises(UserError, match="needs labeled images of at least two classes"):
        classifier.train(source, images=10)


def saved(source, path):
    """The config's `data` of a set in an .npz file."""
    np.savez(path, images=source.columns["image"], labels=source.labels)
    return ConfigDict({**config_for().data, "source": f"npz:{path}"})


def test_the_smallest_set(tmp_path):
    config = saved(stripes(3), tmp_path / "few.npz")
    classifier.train_to_file(config, tmp_path / "c.npz", test=None, images=10, seed=0)
    assert classifier.load(tmp_path / "c.npz").about["accuracy"] in (0, 1)


def test_train_to_file_tests_on_what_it_was_not_trained_on(tmp_path, capsys):
    config, test_config = saved(stripes(), tmp_path / "train.npz"), saved(stripes(60, seed=3), tmp_path / "test.npz")
    for test, number in ((None, 24), (test_config.source, 60)):
        classifier.train_to_file(config, tmp_path / "c.npz", test=test, images=2000, seed=0, overwrite=True)
        assert f"of {number} images" in capsys.readouterr().out
        about = classifier.load(tmp_path / "c.npz").about
        assert about["accuracy"] > 0.95 and about["tested_on"] == (test or "a tenth held out")
    with pytest.raises(UserError, match="--test=digits has images of another shape, or other classes"):
        classifier.train_to_file(config, tmp_path / "d.npz", test="digits", images=100, seed=0)


def test_no_file_but_an_older_classifier_is_replaced_and_that_only_if_asked(tmp_path):
    config = saved(stripes(20), tmp_path / "train.npz")
    test_config = saved(stripes(20), tmp_path / "test.npz")
    before = (tmp_path / "train.npz").read_bytes()
    for out, overwrite, message in (
        ("train.npz", True, "is the data, npz:.*train.npz: choose another file"),
        ("test.npz", True, "is the data, npz:.*test.npz: choose another file"),
        ("notes.npz", True, "gan_jax did not make it"),
        ("c.npz", False, "--overwrite"),
    ):
        (tmp_path / "notes.npz").write_text("notes")
        classifier.save(tmp_path / "c.npz", classifier.train(stripes(20), images=10), (8, 8, 1), 2, {})
        with pytest.raises(UserError, match=message):
            classifier.train_to_file(
                config, tmp_path / out, test=test_config.source, images=10, seed=0, overwrite=overwrite
            )
    assert (tmp_path / "train.npz").read_bytes() == before and (tmp_path / "notes.npz").read_text() == "notes"
