import numpy as np
import pytest

from gan_jax.data import open_source


@pytest.mark.parametrize("shape", [(6, 4, 5), (6, 4, 5, 1), (6, 4, 5, 3)])
def test_npz_images(config, tmp_path, shape):
    images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array([0, 1, 2, 0, 1, 2]))
    source = open_source(config(f"npz:{tmp_path}/a.npz"))
    assert list(source.fields) == ["image", "label"] and source.class_names == ("0", "1", "2")
    np.testing.assert_array_equal(source.columns["image"], images.reshape(6, 4, 5, -1))
    assert source.labels.tolist() == [0, 1, 2, 0, 1, 2]
    resized = open_source(config(f"npz:{tmp_path}/a.npz", "8"))
    assert resized.fields["image"].shape == (8, 8, source.fields["image"].shape[2]) == resized[0]["image"].shape


def test_npz_points(config, tmp_path):
    points = np.random.default_rng(0).normal(size=(7, 2))
    np.savez(tmp_path / "p.npz", points=points)
    source = open_source(config(f"npz:{tmp_path}/p.npz"))
    assert (source.fields["points"].shape, source.class_names, source.labels) == ((2,), (), None)
    assert set(source[3]) == {"points"} and source[3]["points"].dtype == np.float32
    np.testing.assert_allclose(source.columns["points"], points, rtol=1e-6)


def test_labels_that_say_nothing_are_none(config, tmp_path):
    """Samples of an unconditional model once had them."""
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 4, 4, 1), np.uint8), labels=np.full(3, -1))
    assert list(open_source(config(f"npz:{tmp_path}/a.npz")).fields) == ["image"]


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
