"""Log-mel spectrograms, against SciPy's Fourier transform and closed forms."""

import numpy as np
import pytest
import scipy.signal

from gan_jax import spectrograms

RATE = 8000


def sine(hertz, length=4096, amplitude=1.0):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(length) / RATE)).astype(np.float32)


def center(band):
    """Hz of the peak of a band."""
    mel = 2595 * np.log10(1 + RATE / 2 / 700) * (band + 1) / (spectrograms.BANDS + 1)
    return 700 * (10 ** (mel / 2595) - 1)


@pytest.mark.parametrize("rate, size", [(8_000, 512), (16_000, 1024), (22_050, 1024), (44_100, 2048), (100, 16)])
def test_windows_are_powers_of_two(rate, size):
    assert spectrograms.window_size(rate) == size


def test_magnitudes_are_those_of_scipy():
    sound = np.random.default_rng(0).normal(size=(2, 1500, 1)).astype(np.float32)
    made = np.exp(np.asarray(spectrograms.log_mel(sound, RATE)))
    assert made.shape == (2, 24, spectrograms.BANDS, 1)  # 1500 / 64, rounded up
    padded = np.pad(sound[..., 0], ((0, 0), (0, 512)))
    _, _, scipys = scipy.signal.stft(
        padded, RATE, "hann", 512, 512 - 64, boundary=None, padded=False, scaling="spectrum", return_onesided=True
    )
    wanted = np.einsum("bft,fm->btm", np.abs(scipys), spectrograms.mel_filters(RATE, 512))[:, :24]
    np.testing.assert_allclose(made[..., 0], wanted + spectrograms.QUIET, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("band", [20, 40, 60])
def test_a_sine_is_in_its_band(band):
    made = np.asarray(spectrograms.log_mel(sine(center(band), amplitude=0.5)[None, :, None], RATE))
    made = made[0, :-8, :, 0]  # but for windows that reach beyond the end
    assert (made.argmax(axis=1) == band).all()
    own = np.exp(made[4, band - 2 : band + 3])
    assert own.sum() == pytest.approx(0.5, rel=0.06)  # about what the places in Hann's lobe sum to
    assert 0.35 < own.max() < 0.5


def test_filters_cover_everything_between_the_outermost_peaks():
    filters = spectrograms.mel_filters(16_000, 1024)
    assert filters.shape == (513, 64) and filters.min() == 0 and filters.max() <= 1
    inside = filters.sum(axis=1)
    first, last = (filters[:, band].argmax() for band in (0, 63))
    np.testing.assert_allclose(inside[first + 1 : last], 1, atol=1e-5)  # neighbors sum to 1
    assert not filters[0].any()


def test_silence_and_channels():
    sound = np.stack([np.zeros(1024), sine(1000, 1024)], axis=-1)[None].astype(np.float32)
    made = np.asarray(spectrograms.log_mel(sound, RATE))
    np.testing.assert_allclose(made[..., 0], np.log(spectrograms.QUIET), rtol=1e-6)
    np.testing.assert_allclose(made[..., 1:], spectrograms.log_mel(sound[..., 1:], RATE), rtol=1e-5)
