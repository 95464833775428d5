"""Log-mel spectrograms: how loud a sound is over time and pitch, as people hear it and classifiers see it."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np

BANDS = 64  # of the mel scale
SECONDS = 0.064  # of a window, roughly: its samples are a power of 2
HOPS = 8  # in a window
QUIET = 1e-6  # added to a magnitude before the logarithm


def window_size(rate: int) -> int:
    """The samples of a window: the power of 2 that is nearest to 64 ms, so 1,024 at 16 kHz, as WaveGAN's authors."""
    return 2 ** max(round(math.log2(SECONDS * rate)), 4)


def log_mel(sounds: jax.Array, rate: int) -> jax.Array:
    """The logarithm of the magnitude in each band of the mel scale, from 0 Hz to half the rate.

    Windows of Hann begin every eighth of their length, the last ones with zeros beyond the end.

    Args:
        sounds: [B, L, C], in [-1, 1].
        rate: in Hz.

    Returns:
        [B, ceil(L / hop), BANDS, C], at least ln(1e-6), and nearly 0 for the loudest sine.

    Reference: Donahue et al. 2019 (WaveGAN), and its authors' eval/inception/train.py: there 128 bands from 40 to 7,800
    Hz at 16 kHz, and the magnitudes of the Fourier transform are not divided by the sum of the window.
    """
    chex.assert_rank(sounds, 3)
    batch, length, channels = sounds.shape
    size = window_size(rate)
    hop = size // HOPS
    count = -(-length // hop)
    padded = jnp.pad(sounds, ((0, 0), (0, (count + HOPS - 1) * hop - length), (0, 0)))
    hops = padded.reshape(batch, -1, hop, channels)
    windows = jnp.concatenate([hops[:, n : n + count] for n in range(HOPS)], axis=2)  # [B, T, size, C]
    hann = np.hanning(size + 1)[:-1]
    spectrum = jnp.abs(jnp.fft.rfft(windows * hann[:, None].astype(np.float32), axis=2)) / hann.sum()
    bands = jnp.einsum("btfc,fm->btmc", spectrum, mel_filters(rate, size))
    return jnp.log(bands + QUIET)


def mel_filters(rate: int, size: int) -> np.ndarray:
    """Triangles, [size // 2 + 1, BANDS], from 0 Hz to half the rate, equally wide in mel = 2595 log10(1 + f / 700).

    Each is 1 at its peak. They are straight over mel, as TensorFlow's, which WaveGAN's authors use; librosa's over
    Hz.

    Reference: O'Shaughnessy 1987; other libraries call the scale HTK's.
    """
    mel = lambda hertz: 2595 * np.log10(1 + np.asarray(hertz) / 700)
    places = np.linspace(0, mel(rate / 2), BANDS + 2)
    own = mel(np.linspace(0, rate / 2, size // 2 + 1))[:, None]
    rising = (own - places[:-2]) / (places[1:-1] - places[:-2])
    falling = (places[2:] - own) / (places[2:] - places[1:-1])
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
