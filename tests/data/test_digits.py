import numpy as np
import pytest

from gan_jax.data import open_source


def test_digits_are_the_mnist_test_set(config):
    source = open_source(config("digits"))
    assert (len(source), source.fields["image"].shape, list(source.fields)) == (10_000, (28, 28, 1), ["image", "label"])
    assert source.class_names == tuple("0123456789")
    assert source.nbytes == 10_000 * (28 * 28 + 4)
    # The well-known beginning, and how often each digit occurs.
    assert source.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(source.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert source.columns["image"].mean() / 255 == pytest.approx(0.1325, abs=1e-4)


def test_one_example_is_one_row_of_many(config):
    for name in ("digits", "stacked_digits", "ring"):
        source = open_source(config(name))
        target = "points" if name == "ring" else "image"
        many = source.read(np.array([5, 2]))
        assert list(many) == [target, "label"] and source.target == target
        assert many[target].shape == (2, *source.fields[target].shape) and many["label"].dtype == np.int32
        one = source[2]
        assert isinstance(one["label"], np.int32) and one["label"] == many["label"][1]
        np.testing.assert_array_equal(one[target], many[target][1])
        assert set(source.read(np.array([5]), ("label",))) == {"label"}


def test_stacked_digits_are_three_digits_that_the_label_names(config):
    digits, stacked = open_source(config("digits")), open_source(config("stacked_digits"))
    assert (len(stacked), stacked.fields["image"].shape, len(stacked.class_names)) == (128_000, (28, 28, 3), 1000)
    assert stacked.nbytes == 128_000 * (28 * 28 * 3 + 4)
    assert len(np.unique(stacked.labels)) == 1000
    images = digits.columns["image"]
    label_of = {digit.tobytes(): label for digit, label in zip(images, digits.labels, strict=True)}
    batch = stacked.read(np.arange(50))
    assert batch["image"].dtype == np.uint8
    for image, label in zip(batch["image"], batch["label"], strict=True):
        a, b, c = (label_of[np.ascontiguousarray(image[..., channel]).tobytes()] for channel in range(3))
        assert label == 100 * a + 10 * b + c


def test_digits_take_a_size(config):
    assert open_source(config("digits", 32)).fields["image"].shape == (32, 32, 1)
    assert open_source(config("stacked_digits", "14x7", "stretch"))[0]["image"].shape == (14, 7, 3)


@pytest.mark.parametrize("name", ["digits", "stacked_digits"])
def test_only_digits_of_their_own_size_are_measured_by_their_classifier(config, name):
    assert open_source(config(name)).fields["image"].fitted == {"features": "classifier"}
    assert open_source(config(name, 14)).fields["image"].fitted == {}
