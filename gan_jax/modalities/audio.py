"""Sounds: int16 [L, C], float in [-1, 1] to networks, `field.fitted["rate"]` samples a second.

People hear them from .wav files, and see them as a waveform over its spectrogram.
"""

import io
import math
import struct
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import __version__, images, spectrograms
from gan_jax.data.kinds.audio import FULL, to_int16
from gan_jax.files import MARK, numbered, replacing, replacing_folder, save_arrays
from gan_jax.modalities import Field, Modality
from gan_jax.modalities.image import class_columns

NUM_WATCHED, NUM_SHOWN = 256, 40
WAVE = 31  # pixels, the height of the waveform: silence is a line in the middle
log_mel = jax.jit(spectrograms.log_mel, static_argnums=1)
PAUSE = 0.25  # seconds between the sounds of one file


def to_model(stored, field: Field):
    """int16 -> float32 in [-1, 1); floats as they are."""
    return stored.astype(jnp.float32) / FULL if stored.dtype == jnp.int16 else stored


def from_model(arrays, field: Field) -> np.ndarray:
    """Float in [-1, 1], values beyond clipped -> int16, rounded to the nearest."""
    return to_int16(arrays)


def to_classifier(stored, field: Field) -> jax.Array:
    """Log-mel spectrograms, [B, T, BANDS, C], quiet about -1 and loud about 1."""
    quiet = -math.log(spectrograms.QUIET) / 2
    return spectrograms.log_mel(to_model(stored, field), field.fitted["rate"]) / quiet + 1


def thumbnails(stored: np.ndarray, field: Field) -> np.ndarray:
    """The waveform, white on black, over the log-mel spectrogram, low pitches at the bottom: uint8 [n, 31 + 64, T, 3].

    The brightest is as loud as can be, black is 80 dB below or quieter. Of several channels the first is shown.
    """
    from matplotlib import colormaps

    first = np.asarray(stored)[..., :1]
    loudness = np.asarray(log_mel(first.astype(np.float32) / FULL, field.fitted["rate"]))[..., 0]  # [n, T, BANDS]
    columns = loudness.shape[1]
    colored = colormaps["magma"](1 + loudness.swapaxes(1, 2)[:, ::-1] / math.log(1e4), bytes=True)[..., :3]
    within = np.pad(first[..., 0] / FULL, ((0, 0), (0, -first.shape[1] % columns)))
    within = within.reshape(len(first), columns, -1)
    rows, half = np.linspace(1, -1, WAVE)[:, None], 1 / (WAVE - 1)
    above = rows <= within.max(axis=2)[:, None] + half
    below = rows >= within.min(axis=2)[:, None] - half
    wave = np.uint8(255) * (above & below)[..., None].repeat(3, axis=-1)
    return np.concatenate([wave, colored], axis=1)


def sheet(stored: np.ndarray, field: Field, *, labels=None, real=None, critic=None, title: str = "") -> np.ndarray:
    """A grid of them, one column a class if the labels are those of up to 16 classes in turn."""
    bordered = np.pad(thumbnails(stored, field), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=96)
    return images.grid(bordered, class_columns(labels))


def watched(field: Field) -> int:
    """256, or fewer of long ones."""
    return max(NUM_SHOWN, min(NUM_WATCHED, 2**22 // math.prod(field.shape)))


def write(stored: np.ndarray, path: Path, field: Field, labels: np.ndarray | None = None) -> None:
    """A .wav file of all, one after the other; a folder of .wav files; an .npz file of "sounds", "rate" and "labels";
    or a picture, a `sheet`.

    Files in a folder are named as `gan_jax.files.numbered` does.
    """
    rate = int(field.fitted["rate"])
    match path.suffix.lower():
        case ".npz":
            save_arrays(path, sounds=stored, rate=rate, labels=labels)
        case ".wav":
            apart = np.pad(stored, ((0, 0), (0, round(PAUSE * rate)), (0, 0))) if len(stored) > 1 else stored
            write_wav(apart.reshape(-1, apart.shape[-1]), path, rate)
        case "":
            with replacing_folder(path) as folder:
                for name, sound in zip(numbered(len(stored), ".wav", labels), stored, strict=True):
                    write_wav(sound, folder / name, rate)
        case _:
            images.save(sheet(stored, field, labels=labels), path, mark=True)


def write_wav(samples: np.ndarray, path: Path, rate: int) -> None:
    """Writes int16 [L, C] as a .wav file, which names this library as its maker."""
    from scipy.io import wavfile

    content, maker = io.BytesIO(), f"{MARK} {__version__}".encode()
    wavfile.write(content, rate, samples)
    maker += bytes(len(maker) % 2 + 2)  # it ends with a zero, and is of even length
    entry = b"INFOISFT" + struct.pack("<I", len(maker)) + maker
    body = content.getvalue()[8:] + b"LIST" + struct.pack("<I", len(entry)) + entry
    with replacing(path) as file:
        file.write(b"RIFF" + struct.pack("<I", len(body)) + body)


MODALITY = Modality(
    name="audio",
    to_model=to_model,
    from_model=from_model,
    to_classifier=to_classifier,
    thumbnails=thumbnails,
    sheet=sheet,
    watched=watched,
    shown=NUM_SHOWN,
    suffixes=(".wav", "", ".png", ".jpg", ".jpeg", ".webp", ".npz"),
    write=write,
    metrics=("fid", "kid", "modes"),
)
