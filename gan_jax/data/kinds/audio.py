"""Sounds: decoded, mixed to one channel, resampled, trimmed, and cut into windows of one length."""

import io
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gan_jax.data import folders
from gan_jax.data.cache import cached
from gan_jax.data.folders import Read, Stamps
from gan_jax.data.metadata import labels_of
from gan_jax.data.source import Source, make_source
from gan_jax.errors import UserError

CALLED, SUFFIXES = "sounds", (".wav", ".flac", ".ogg", ".mp3")
FULL = 32768  # of 16 bits, which stands for 1
FRAME = 0.01  # seconds, of which the loudness is measured for trimming


def open_files(root: Path, found: Stamps, read: Read, config: Any) -> Source:
    """Sounds as a data set of windows, int16 [length, 1].

    Of each file, its channels are averaged, it is resampled, and what is quiet at its ends is cut off. Then it is cut
    into windows: the first alone, or all, one after the other without overlap, and what is left at the end is not used.
    A file that is shorter than a window gets zeros at its end. A file is decoded as a whole; of all windows together
    only those that are read are in memory.

    Args:
        root: where they lie.
        found: the files.
        read: gives the bytes of one.
        config: the config's `data`: `length`, samples of a window; `rate`, samples a second, 0: as the files have;
            `window`, "first" or "all"; `trim`, in dB below the loudest; `normalize`; `label`; `skip_broken`.

    Returns:
        A source that is decoded at its first opening and comes from the cache ever after; its field knows the "rate".

    Raises:
        UserError: there is a broken, an empty or a silent one, rates differ and `rate` is 0, or a package is missing.
    """
    names, where = sorted(found), PurePosixPath(root.as_posix())
    labels, classes = labels_of(names, where, read, config.label)
    how = config.length, config.rate, config.window, config.trim, config.normalize
    key = "sounds", str(root), [(name, found[name]) for name in names], how, config.skip_broken
    windows, owners = cached(key, len(names), lambda: _decoded(root, names, read, config.skip_broken, how), CALLED)
    rate = config.rate or decode_bytes(names[owners[0]], read(names[owners[0]]))[1]
    folders.tell_skipped(root, len(names) - len(np.unique(owners)), len(names), CALLED)
    return make_source("audio", windows, labels[owners], classes, {"rate": rate})


def _decoded(root: Path, names: list[str], read: Read, skip_broken: bool, how) -> Iterator[tuple[np.ndarray, list]]:
    """Windows, some at a time, and the places of their files in `names`."""

    def decode(name: str) -> tuple[int, np.ndarray]:
        samples, rate = decode_bytes(name, read(name))
        return rate, windows_of(samples, rate, *how)

    first, resampled = None, how[1]
    for chunk in folders.decoded(root, names, decode, skip_broken, CALLED):
        for place, (rate, _) in chunk:
            first = first or (names[place], rate)
            if rate != first[1] and not resampled:
                rates = " but ".join(f"{name} has {own} Hz" for name, own in (first, (names[place], rate)))
                raise UserError(f"sounds in {root} differ in their rate: {rates}: set --config.data.rate=N")
        if chunk:
            owners = [place for place, (_, windows) in chunk for _ in windows]
            yield np.concatenate([windows for _, (_, windows) in chunk]), owners


def decode_bytes(name: str, content: bytes) -> tuple[np.ndarray, int]:
    """A sound file, of any width of its samples.

    Args:
        name: of the file, whose extension says what it is.
        content: its bytes.

    Returns:
        (float32 [n], the mean of its channels, in [-1, 1]; its rate in Hz)

    Raises:
        UserError: it is empty, or has samples that are not finite; or it needs a package that is missing.
        Exception: it cannot be decoded; decoders raise nearly anything.
    """
    if name.lower().endswith(".wav"):
        from scipy.io import wavfile

        with warnings.catch_warnings():  # of chunks that are no sound
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate, samples = wavfile.read(io.BytesIO(content))
        if samples.dtype == np.uint8:
            samples = (samples.astype(np.float32) - 128) / 128
        elif np.issubdtype(samples.dtype, np.integer):
            samples = samples / np.float32(-float(np.iinfo(samples.dtype).min))
    else:
        try:
            import soundfile
        except ImportError:
            raise UserError("it needs another package: pip install 'gan_jax[audio]'") from None
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    if not samples.size:
        raise UserError("it has no samples")
    if not np.isfinite(samples).all():
        raise UserError("it has samples that are not finite")
    return samples.astype(np.float32).reshape(len(samples), -1).mean(axis=1), int(rate)


def windows_of(
    samples: np.ndarray, own_rate: int, length: int, rate: int, window: str, trim: float, normalize: bool
) -> np.ndarray:
    """The windows of a sound.

    Args:
        samples: float [n], in [-1, 1].
        own_rate: of these, Hz.
        length: samples of a window.
        rate: of the windows, Hz; 0: as it is.
        window: "first" or "all".
        trim: what is quieter than the loudest hundredth of a second by so many dB is cut off at both ends; 0: nothing.
        normalize: whether the loudest sample becomes 1.

    Returns:
        int16 [w, length, 1], w at least 1.

    Raises:
        UserError: it is silent from end to end, and is to be trimmed or normalized.
    """
    rate = rate or own_rate
    if rate != own_rate:
        from scipy.signal import resample_poly

        ratio = Fraction(rate, own_rate)
        samples = resample_poly(samples, ratio.numerator, ratio.denominator)
    loudest = np.abs(samples).max()
    if loudest == 0 and (trim or normalize):
        raise UserError("it is silent, so it can be neither trimmed nor normalized")
    if trim:
        samples = trimmed(samples, max(round(FRAME * rate), 1), trim)
    if normalize:
        samples = samples / loudest
    count = max(len(samples) // length, 1) if window == "all" else 1
    samples = np.pad(samples[: count * length], (0, max(count * length - len(samples), 0)))
    return to_int16(samples).reshape(count, length, 1)


def trimmed(samples: np.ndarray, frame: int, decibels: float) -> np.ndarray:
    """float [n] without the frames at both ends that are quieter than the loudest one by so many dB."""
    frames = np.pad(samples, (0, -len(samples) % frame)).reshape(-1, frame)
    power = np.mean(frames**2, axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-decibels / 10))
    return samples[loud[0] * frame : (loud[-1] + 1) * frame]


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Float in [-1, 1], values beyond clipped -> int16, rounded to the nearest."""
    return np.clip(np.rint(np.asarray(samples, np.float32) * FULL), -FULL, FULL - 1).astype(np.int16)
