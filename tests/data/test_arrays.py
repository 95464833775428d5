import numpy as np
import pytest

from gan_jax.data import open_source


def test_digits_are_the_mnist_test_set(config):
    source = open_source(config("digits"))
    assert (len(source), source.image_shape, source.num_classes) == (10_000, (28, 28, 1), 10)
    assert source.class_names == tuple("0123456789")
    assert source.nbytes == 10_000 * 28 * 28
    # The well-known beginning, and how often each digit occurs.
    assert source.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(source.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert source.images.mean() / 255 == pytest.approx(0.1325, abs=1e-4)


def test_one_example_is_one_row_of_many(config):
    for name in ("digits", "stacked_digits", "ring"):
        source = open_source(config(name))
        many = source.read(np.array([5, 2]))
        assert many["image"].shape == (2, *source.image_shape) and many["label"].dtype == np.int32
        one = source[2]
        assert isinstance(one["label"], np.int32) and one["label"] == many["label"][1]
        np.testing.assert_array_equal(one["image"], many["image"][1])


def test_stacked_digits_are_three_digits_that_the_label_names(config):
    digits, stacked = open_source(config("digits")), open_source(config("stacked_digits"))
    assert (len(stacked), stacked.image_shape, stacked.num_classes) == (128_000, (28, 28, 3), 1000)
    assert stacked.nbytes == 128_000 * 28 * 28 * 3
    assert len(np.unique(stacked.labels)) == 1000
    label_of = {digit.tobytes(): label for digit, label in zip(digits.images, digits.labels, strict=True)}
    batch = stacked.read(np.arange(50))
    assert batch["image"].dtype == np.uint8
    for image, label in zip(batch["image"], batch["label"], strict=True):
        a, b, c = (label_of[np.ascontiguousarray(image[..., channel]).tobytes()] for channel in range(3))
        assert label == 100 * a + 10 * b + c


def test_digits_take_a_size(config):
    assert open_source(config("digits", 32)).image_shape == (32, 32, 1)
    assert open_source(config("stacked_digits", "14x7", "stretch"))[0]["image"].shape == (14, 7, 3)


@pytest.mark.parametrize("shape", [(6, 4, 5), (6, 4, 5, 1), (6, 4, 5, 3)])
def test_npz_images(config, tmp_path, shape):
    images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array([0, 1, 2, 0, 1, 2]))
    source = open_source(config(f"npz:{tmp_path}/a.npz"))
    assert (source.num_classes, source.class_names) == (3, ("0", "1", "2"))
    np.testing.assert_array_equal(source.images, images.reshape(6, 4, 5, -1))
    assert source.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert open_source(config(f"npz:{tmp_path}/a.npz", "8")).image_shape == (8, 8, source.image_shape[2])


def test_npz_points(config, tmp_path):
    points = np.random.default_rng(0).normal(size=(7, 2))
    np.savez(tmp_path / "p.npz", points=points)
    source = open_source(config(f"npz:{tmp_path}/p.npz"))
    assert (source.image_shape, source.num_classes, source[3]["label"]) == ((2,), 0, 0)
    assert source[3]["image"].dtype == np.float32
    np.testing.assert_allclose(source.images, points, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"pictures": np.zeros((2, 4, 4), np.uint8)}, "pictures"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "points": np.zeros((2, 2))}, "images, points"),
        ({"images": np.zeros((2, 4, 4))}, "float64"),
        ({"images": np.zeros((2, 4), np.uint8)}, "[2, 4]"),
        ({"images": np.zeros((2, 4, 4, 4), np.uint8)}, "[2, 4, 4, 4]"),
        ({"images": np.zeros((0, 4, 4), np.uint8)}, "no examples"),
        ({"points": np.zeros((2, 3))}, "[2, 3]"),
        ({"points": np.zeros((2, 2), int)}, "int64"),
        ({"points": np.zeros((2, 2)), "labels": np.zeros(3, int)}, "int64 [3]"),
        ({"points": np.zeros((2, 2)), "labels": np.zeros(2)}, "float64 [2]"),
        ({"points": np.zeros((2, 2)), "labels": np.array([0, -1])}, "negative"),
        ({"images": np.array([None])}, "plain arrays"),
    ],
)
def test_npz_rejects_other_arrays(config, tmp_path, rejected, arrays, says):
    np.savez(tmp_path / "bad.npz", **arrays)
    for size in ("native", "8"):
        message = rejected(open_source, config(f"npz:{tmp_path}/bad.npz", size))
        assert "bad.npz" in message and says in message


def test_npz_rejects_other_files(config, tmp_path, rejected):
    assert "no such file" in rejected(open_source, config(f"npz:{tmp_path}/none.npz"))
    (tmp_path / "text.npz").write_text("hello")
    np.save(tmp_path / "single.npy", np.zeros(3))
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 and no more")
    for name in ("text.npz", "single.npy", "cut.npz", "."):
        assert "np.savez" in rejected(open_source, config(f"npz:{tmp_path}/{name}"))


@pytest.mark.parametrize("source", ["bogus", "digits:3", "folder:", "zip", "", "tfds:"])
def test_unknown_sources_are_told_the_forms(config, rejected, source):
    message = rejected(open_source, config(source))
    assert f"data.source={source}" in message
    for form in ("digits", "stacked_digits", "ring", "grid", "spiral", "moons", "folder:", "zip:", "npz:", "tfds:"):
        assert form in message


def test_unknown_fit(config, rejected):
    assert "data.fit=squash must be crop, pad or stretch" in rejected(open_source, config("digits", fit="squash"))
