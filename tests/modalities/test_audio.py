"""Sounds as networks, people and files have them."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from gan_jax import files, spectrograms
from gan_jax.errors import UserError
from gan_jax.modalities import Field, from_json, model_shape, to_json
from gan_jax.modalities.audio import MODALITY

RATE = 8000
FIELD = Field(MODALITY, (1024, 1), (), {"rate": RATE})
SOUNDS = np.stack([np.zeros(1024), 30_000 * np.sin(np.arange(1024) * 0.5)]).astype(np.int16)[..., None]


def test_networks_have_them_between_minus_one_and_one():
    every = np.arange(-32768, 32768, 64, np.int16).reshape(1, 1024, 1)
    inside = np.asarray(MODALITY.to_model(every, FIELD))
    assert inside.min() == -1 and inside.max() < 1 and model_shape(FIELD) == (1024, 1)
    np.testing.assert_array_equal(MODALITY.from_model(inside, FIELD), every)
    np.testing.assert_array_equal(MODALITY.from_model(np.array([-2.0, 2.0]), FIELD), [-32768, 32767])
    assert from_json(to_json({"audio": FIELD})) == {"audio": FIELD}


def test_classifiers_see_spectrograms():
    seen = np.asarray(MODALITY.to_classifier(SOUNDS, FIELD))
    assert seen.shape == (2, 16, spectrograms.BANDS, 1)
    np.testing.assert_allclose(seen[0], -1, atol=1e-5)
    assert 0.9 < seen[1].max() < 1.05


def test_a_thumbnail_is_a_waveform_over_its_spectrogram():
    drawn = MODALITY.thumbnails(SOUNDS, FIELD)
    assert drawn.shape == (2, 31 + 64, 16, 3) and drawn.dtype == np.uint8
    silent, loud = drawn[:, :31, :, 0] == 255
    assert silent.sum(axis=0).max() <= 2 and loud.sum(axis=0).min() >= 28
    assert silent[15].all()  # in the middle
    assert drawn[0, 31:].max() < 10 < drawn[1, 31:].max()
    band = spectrograms.log_mel(SOUNDS[1:] / np.float32(32768), RATE)[0, 4, :, 0].argmax()
    assert drawn[1, 31:, 4].sum(axis=-1).argmax() == 63 - band  # low pitches at the bottom


def test_sounds_are_measured_only_by_a_classifier_of_their_own():
    """There is no default, so that a run can be trained without one."""
    assert MODALITY.features == ""


def test_a_sheet_has_a_column_a_class():
    assert MODALITY.sheet(SOUNDS.repeat(4, axis=0), FIELD, labels=np.arange(8) % 4).shape == (2 * 97 * 4, 4 * 18 * 4, 3)
    assert MODALITY.watched(FIELD) == 256 and MODALITY.watched(FIELD._replace(shape=(2**17, 1))) == 40


def test_files(tmp_path):
    MODALITY.write(SOUNDS[1:], tmp_path / "one.wav", FIELD)
    rate, samples = wavfile.read(tmp_path / "one.wav")
    np.testing.assert_array_equal(samples, SOUNDS[1, :, 0])
    assert rate == RATE and files.is_ours(tmp_path / "one.wav")
    MODALITY.write(SOUNDS, tmp_path / "both.wav", FIELD)
    _, samples = wavfile.read(tmp_path / "both.wav")
    assert len(samples) == 2 * (1024 + RATE // 4)  # a pause after each
    np.testing.assert_array_equal(samples[1024 + RATE // 4 :][:1024], SOUNDS[1, :, 0])
    MODALITY.write(SOUNDS, tmp_path / "both.png", FIELD)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "both.png")), MODALITY.sheet(SOUNDS, FIELD))
    MODALITY.write(SOUNDS, tmp_path / "both.npz", FIELD, np.array([3, 7]))
    with np.load(tmp_path / "both.npz") as file:
        np.testing.assert_array_equal(file["sounds"], SOUNDS)
        assert file["rate"] == RATE and file["labels"].tolist() == [3, 7]


def test_a_folder_of_them(tmp_path):
    stereo = np.concatenate([SOUNDS, SOUNDS[::-1]], axis=2)
    MODALITY.write(stereo, tmp_path / "sounds", FIELD, np.array([3, 7]))
    assert sorted(path.name for path in (tmp_path / "sounds").iterdir()) == ["3_00000.wav", "7_00001.wav"]
    np.testing.assert_array_equal(wavfile.read(tmp_path / "sounds" / "7_00001.wav")[1], stereo[1])
    with pytest.raises(UserError, match=r"is there already.*--overwrite"):
        files.claim(tmp_path / "sounds", folder=True)
    files.claim(tmp_path / "sounds", True, folder=True)
    MODALITY.write(SOUNDS[:1], tmp_path / "sounds", FIELD, np.array([-1]))  # of no class
    assert [path.name for path in (tmp_path / "sounds").iterdir()] == ["00000.wav"]
    (tmp_path / "sounds" / "mine.txt").write_text("notes")
    with pytest.raises(UserError, match="gan_jax did not make it"):
        files.claim(tmp_path / "sounds", True, folder=True)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
