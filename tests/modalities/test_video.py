"""Clips as networks, people and files have them."""

import builtins
import importlib.util

import numpy as np
import pytest
from clips import frames, save_frames
from PIL import Image

from gan_jax.errors import UserError
from gan_jax.modalities import Field, from_json, model_shape, to_json
from gan_jax.modalities.video import MODALITY

FIELD = Field(MODALITY, (3, 6, 8, 3))
CLIPS = np.stack([frames(3, seed=seed) for seed in range(2)])
needs_codecs = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("av", "imageio_ffmpeg"))), reason="needs pip install -e '.[video]'"
)


def test_networks_have_them_between_minus_one_and_one():
    inside = MODALITY.to_model(CLIPS, FIELD)
    assert inside.shape == (2, *model_shape(FIELD)) and np.abs(inside).max() <= 1
    np.testing.assert_array_equal(MODALITY.from_model(inside, FIELD), CLIPS)
    assert from_json(to_json({"video": FIELD})) == {"video": FIELD}


def test_a_thumbnail_is_a_film_strip():
    strips = MODALITY.thumbnails(CLIPS, FIELD)
    assert strips.shape == (2, 6, 24, 3)
    np.testing.assert_array_equal(strips[1, :, 8:16], CLIPS[1, 1])
    sheet = MODALITY.sheet(CLIPS, FIELD)
    np.testing.assert_array_equal(sheet[::10, ::10], strips.reshape(12, 24, 3))  # 6 pixels are enlarged to 60


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animations_there_and_back(tmp_path, suffix):
    MODALITY.write(CLIPS[:1], tmp_path / f"one{suffix}", FIELD)
    again = MODALITY.read(tmp_path / f"one{suffix}", FIELD)
    assert again.shape == (1, 3, 6, 8, 3) and np.abs(again.astype(int) - CLIPS[:1]).max() <= 8
    gray = MODALITY.read(tmp_path / f"one{suffix}", FIELD._replace(shape=(2, 6, 8, 1)))
    assert gray.shape == (1, 2, 6, 8, 1)  # the last two
    assert gray[0, 0].mean() == pytest.approx(CLIPS[0, 1].mean(), abs=12)
    MODALITY.write(CLIPS, tmp_path / f"many{suffix}", FIELD)
    assert Image.open(tmp_path / f"many{suffix}").n_frames == 3


@needs_codecs
def test_videos_there_and_back(tmp_path):
    clip = frames(5, 32, 48)[None]
    MODALITY.write(clip, tmp_path / "one.mp4", FIELD)
    again = MODALITY.read(tmp_path / "one.mp4", FIELD)
    assert again.shape == (1, 3, 32, 48, 3) and np.abs(again.astype(int) - clip[:, -3:]).max() <= 12


def test_strips_and_arrays_in_files(tmp_path):
    MODALITY.write(CLIPS[:1], tmp_path / "one.png", FIELD)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), MODALITY.thumbnails(CLIPS, FIELD)[0])
    MODALITY.write(CLIPS, tmp_path / "all.png", FIELD)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "all.png")), MODALITY.sheet(CLIPS, FIELD))
    MODALITY.write(CLIPS, tmp_path / "all.npz", FIELD)
    with np.load(tmp_path / "all.npz") as file:
        np.testing.assert_array_equal(file["videos"], CLIPS)


def test_the_last_frames_of_a_folder(tmp_path):
    """9 comes before 10."""
    clip = frames(4)
    save_frames(tmp_path / "walk", clip, first=8)
    np.testing.assert_array_equal(MODALITY.read(tmp_path / "walk", FIELD)[0], clip[1:])
    assert MODALITY.find(tmp_path)[0].name == "walk" and str(MODALITY.find(tmp_path / "walk")[0]) == "."


def test_sizes():
    assert MODALITY.size(FIELD.shape) == (6, 8) and MODALITY.resize(CLIPS, (6, 8)) is not None
    larger = MODALITY.resize(CLIPS, (12, 16))
    np.testing.assert_array_equal(larger, CLIPS.repeat(2, axis=2).repeat(2, axis=3))  # each is of one color
    np.testing.assert_array_equal(MODALITY.resize(CLIPS, None), CLIPS)


def test_clips_that_cannot_be_read(tmp_path, monkeypatch):
    (tmp_path / "x.gif").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"x\.gif cannot be read \(not a picture\)$"):
        MODALITY.read(tmp_path / "x.gif", FIELD)
    with pytest.raises(UserError, match=r"short has 2 frames, the next ones are made of 3$"):
        MODALITY.read(save_frames(tmp_path / "short", frames(2)), FIELD)
    mixed = save_frames(save_frames(tmp_path / "mixed", frames(2)), frames(2, 4, 4), first=2)
    with pytest.raises(UserError, match=r"mixed differ in size .*: frame 0 is 6x8 but frame 2 is 4x4$"):
        MODALITY.read(mixed, FIELD)
    find = builtins.__import__
    without = lambda name, *args: (_ for _ in ()).throw(ImportError) if name == "av" else find(name, *args)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"x\.mp4: \.mp4 needs another package: pip install 'gan_jax\[video\]'$"):
        MODALITY.read(tmp_path / "x.mp4", FIELD)
