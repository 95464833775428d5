import sys
import types

import numpy as np
import pytest

from gan_jax import modalities
from gan_jax.data.sources import ring
from gan_jax.data.sources.digits import digits
from gan_jax.data.sources.stacked_digits import stacked_digits
from gan_jax.errors import UserError
from gan_jax.evaluation import efficientnet, inception
from gan_jax.evaluation.features import KEY, Extractor, Features, needs_download, open_features, resolve_features
from gan_jax.lookup import only_the_librarys_own
from gan_jax.modalities import Field

POINTS = Field(modalities.lookup("points"), (2,))
PICTURES = Field(modalities.lookup("image"), (32, 32, 3))


def resolved(field, name="auto", in_config="auto", has_targets=False):
    return resolve_features(name, field, in_config=in_config, has_targets=has_targets)


def of_digits(size=None):
    return digits(size).fields["image"]


def test_what_auto_means():
    assert resolved(POINTS) == "points"
    assert resolved(of_digits()) == resolved(stacked_digits().fields["image"]) == "classifier"
    assert resolved(of_digits((32, 32))) == resolved(PICTURES) == "inception"


def test_targets_need_no_download():
    assert resolved(PICTURES, has_targets=True) == "pixels"
    assert resolved(of_digits(), has_targets=True) == "classifier" and resolved(POINTS, has_targets=True) == "points"


def test_what_is_asked_for_goes_before_what_fits():
    assert resolved(of_digits(), in_config="inception") == "inception"
    assert resolved(of_digits(), name="classifier:mine.npz", in_config="inception") == "classifier:mine.npz"
    assert resolved(of_digits(), in_config="none") == "classifier"  # measured afterwards all the same


def test_what_needs_a_download():
    assert needs_download("inception") and needs_download("inception_clean")
    assert not any(map(needs_download, ("inception:file.pth", "efficientnet", "classifier", "points", "")))


def test_inception_says_how_images_are_resized(monkeypatch):
    monkeypatch.setattr(inception, "load", lambda path: (None, "0123456789abcdef"))
    for kind, resize in (("inception", "legacy"), ("inception_clean", "clean")):
        features = open_features(kind, PICTURES)
        assert features.name == f"inception 0123456789ab, {resize} resize to 299x299"
        assert features.logits == "other"


def test_efficientnet_says_what_it_is(monkeypatch):
    monkeypatch.setattr(efficientnet, "load", lambda path: (None, f"{path}0123456789abcdef"))
    features = open_features("efficientnet", PICTURES)
    assert features.name == "efficientnet-lite0 None01234567, clean resize to 224x224"
    assert features.logits == "other" and features.learned


def test_what_is_known_of_features():
    points, pixels, classifier = (
        open_features(name, field)
        for name, field in (("points", POINTS), ("pixels", PICTURES), ("classifier", of_digits()))
    )
    assert not points.learned and not points.logits and points.name == "points as they are"
    assert pixels.apply is None
    assert classifier.learned and classifier.logits == "own" and classifier.name.startswith("classifier digits ")


@pytest.mark.parametrize(
    "name, field, message",
    [
        ("points", of_digits(), "--features=points: the data are of the modality image"),
        ("classifier", POINTS, "--features=classifier: they are features of image, audio, voxels, not of points"),
        ("pixels", POINTS, "--features=pixels: they are features of image, video, voxels, not of points"),
        ("dreams", of_digits(), "--features='dreams': there is no module dreams; there are: classifier, efficientnet"),
        ("", PICTURES, "--features must say by what"),
        ("points:x", POINTS, "--features=points:x: points take no file"),
        ("classifier:nowhere.npz", of_digits(), "there is no classifier nowhere.npz"),
        ("classifier", PICTURES, "the classifier takes images 28x28x1, not 32x32x3"),
        ("inception:nowhere.pth", of_digits(), "nowhere.pth"),
        ("efficientnet:nowhere.pth", PICTURES, "--features=efficientnet:nowhere.pth: no such file: nowhere.pth"),
        ("efficientnet", POINTS, "--features=efficientnet: they are features of image, not of points"),
    ],
)
def test_features_that_cannot_be(name, field, message):
    with pytest.raises(UserError, match=message):
        open_features(name, field)


def test_a_message_names_the_key_that_gave_them():
    with pytest.raises(UserError, match=r"^--config\.evaluation\.features=points: the data"):
        open_features("points", PICTURES, "--config.evaluation.features")


def test_features_of_a_module_of_ones_own(monkeypatch):
    """They are found by its name, with what follows the colon; but not if a saved run names them, not the user."""
    module = types.ModuleType("my_features")
    module.EXTRACTOR = Extractor(lambda path, field: Features(f"mine {path} of {field.shape}", None, None, 1))
    monkeypatch.setitem(sys.modules, "my_features", module)
    assert open_features("my_features:file", POINTS).name == "mine file of (2,)"
    with only_the_librarys_own():
        assert open_features("my_features:file", POINTS).learned
        with pytest.raises(UserError, match="--code=FOLDER"):
            open_features("my_features:file", POINTS, KEY)


def test_the_ring_says_what_its_modes_are():
    fitted = ring.open_source().fields["points"].fitted
    np.testing.assert_array_equal(np.asarray(fitted["centers"], np.float32), ring.modes())
