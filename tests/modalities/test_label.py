"""Classes as networks, people and files have them."""

import numpy as np

from gan_jax.modalities import Field, lookup

KIND = lookup("label")
FIELD = Field(KIND, (), ("cat", "dog", "hippopotamus"))
LABELS = np.array([2, 0, 1, 0], np.int32)


def test_networks_have_them_as_they_are_and_give_logits():
    assert KIND.to_model(LABELS, FIELD) is LABELS
    np.testing.assert_array_equal(KIND.from_model(LABELS, FIELD), LABELS)
    logits = np.array([[0.1, 0.2, 0.9], [3, -1, 2], [-2, -1, -3], [1, 0, 0]], np.float32)
    made = KIND.from_model(logits, FIELD)
    assert made.tolist() == LABELS.tolist() and made.dtype == np.int32


def test_thumbnails_are_names():
    pictures = KIND.thumbnails(LABELS, FIELD)
    assert pictures.shape[0] == 4 and pictures.shape[3] == 1 and pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures[1], pictures[3])
    ink = [(255 - picture.astype(int)).sum() for picture in pictures]
    assert ink[0] > 2 * ink[1] > 0 and ink[2] > 0  # the longest name has the most
    unnamed = KIND.thumbnails(LABELS, FIELD._replace(names=()))
    assert len(unnamed) == 4 and not np.array_equal(unnamed[0], unnamed[1])
    assert KIND.sheet(LABELS, FIELD).shape == (2 * pictures.shape[1], 2 * pictures.shape[2], 1)


def test_files(tmp_path):
    KIND.write(LABELS, tmp_path / "a.npz", FIELD, None)
    assert np.load(tmp_path / "a.npz")["labels"].tolist() == LABELS.tolist()
    KIND.write(LABELS, tmp_path / "a.txt", FIELD, None)
    assert (tmp_path / "a.txt").read_text().split() == ["hippopotamus", "cat", "dog", "cat"]
