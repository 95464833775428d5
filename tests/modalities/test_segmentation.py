"""Label maps as networks, people and files have them."""

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.errors import UserError
from gan_jax.modalities import Field, from_json, model_shape, to_json
from gan_jax.modalities.segmentation import MODALITY

COLORS = [[0, 0, 200], [0, 200, 0], [200, 0, 0], [40, 40, 40]]
FIELD = Field(MODALITY, (6, 8), ("a", "b", "c", "d"), {"palette": COLORS})
MAPS = np.random.default_rng(0).integers(0, 4, (3, 6, 8)).astype(np.uint8)


def test_networks_have_a_channel_for_each_class():
    arrays = jax.jit(lambda stored: MODALITY.to_model(stored, FIELD))(MAPS)
    assert arrays.shape == (3, *model_shape(FIELD)) and model_shape(FIELD) == (6, 8, 4)
    expected = np.zeros((3, 6, 8, 4))
    for place in np.ndindex(3, 6, 8):
        expected[(*place, MAPS[place])] = 1
    np.testing.assert_array_equal(arrays, expected)
    scores = arrays * 0.2 + 0.1 * np.random.default_rng(1).random(arrays.shape)
    np.testing.assert_array_equal(MODALITY.from_model(scores, FIELD), MAPS)


def test_files_hold_their_colors(tmp_path):
    MODALITY.write(MAPS[:1], tmp_path / "one.png", FIELD, None)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), np.uint8(COLORS)[MAPS[0]])
    np.testing.assert_array_equal(MODALITY.read(tmp_path / "one.png", FIELD), MAPS[:1])
    MODALITY.write(MAPS, tmp_path / "all.npz", FIELD, None)
    with np.load(tmp_path / "all.npz") as file:
        np.testing.assert_array_equal(file["maps"], MAPS)
        assert file["names"].tolist() == list(FIELD.names)
    MODALITY.write(MAPS, tmp_path / "all.png", FIELD, None)
    assert Image.open(tmp_path / "all.png").mode == "RGB"


def test_a_file_of_other_colors(tmp_path):
    Image.new("RGB", (8, 6), (250, 250, 0)).save(tmp_path / "x.png")
    with pytest.raises(UserError, match=r"x.png is no label map: 100% of it has colors of no class, such as #fafa00"):
        MODALITY.read(tmp_path / "x.png", FIELD)


def test_half_of_a_file(tmp_path):
    both = np.concatenate([np.uint8(COLORS)[MAPS[0]], np.full((6, 8, 3), 120, np.uint8)], axis=1)
    Image.fromarray(both).save(tmp_path / "both.png")
    np.testing.assert_array_equal(MODALITY.read(tmp_path / "both.png", FIELD, 0), MAPS[:1])


def test_a_record_holds_names_and_colors():
    assert from_json(to_json({"input": FIELD}))["input"] == FIELD


def test_sizes():
    assert MODALITY.resize(MAPS, None) is MAPS
    np.testing.assert_array_equal(MODALITY.resize(MAPS, (12, 16)), MAPS.repeat(2, axis=1).repeat(2, axis=2))
