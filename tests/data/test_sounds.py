"""Sounds in folders and zip files."""

import builtins
import importlib.util
import io
import zipfile

import numpy as np
import pytest
import scipy.signal
from PIL import Image
from scipy.io import wavfile

from gan_jax.data import open_source
from gan_jax.data.kinds import audio

RATE = 8000


def sine(length=800, hertz=440, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(length) / rate)


def save(path, samples=None, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = sine() if samples is None else np.asarray(samples)
    wavfile.write(path, rate, audio.to_int16(samples) if samples.dtype == np.float64 else samples)


@pytest.fixture
def opened(config):
    def call(folder, form="folder", **keys):
        return open_source(config(f"{form}:{folder}", **{"length": 1000, **keys}))

    return call


def test_a_folder_of_sounds(opened, tmp_path):
    for number, label in enumerate("abb"):
        save(tmp_path / label / f"{number}.wav", sine(800 + 300 * number))
    (tmp_path / "notes.txt").write_text("none")
    source = opened(tmp_path)
    field = source.fields["audio"]
    assert (field.shape, field.fitted, source.class_names) == ((1000, 1), {"rate": RATE}, ("a", "b"))
    assert source.labels.tolist() == [0, 1, 1]
    stored = source.read(np.arange(3))["audio"]
    assert stored.dtype == np.int16 and not stored[0, 800:].any()
    np.testing.assert_array_equal(stored[1, :, 0], audio.to_int16(sine(1000)))  # its first window alone
    np.testing.assert_array_equal(opened(tmp_path).read(np.arange(3))["audio"], stored)  # from the cache
    assert isinstance(source.columns["audio"], np.memmap)


def test_windows_of_long_ones(opened, tmp_path):
    save(tmp_path / "1_long.wav", sine(3500))
    save(tmp_path / "2_short.wav", sine(200))
    source = opened(tmp_path, window="all", label="name")
    assert source.class_names == ("1", "2") and source.labels.tolist() == [0, 0, 0, 1]
    stored = source.read(np.arange(4))["audio"][..., 0]
    np.testing.assert_array_equal(stored[:3].ravel(), audio.to_int16(sine(3000)))  # what is left is not used
    np.testing.assert_array_equal(stored[3, :200], audio.to_int16(sine(200)))


def test_a_zip_file_whose_pictures_are_fewer(opened, tmp_path):
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("cover.png", buffer.getvalue())
        for name in ("7_b_0.wav", "10_b.wav", "7_a_1.wav"):
            save(tmp_path / name)
            archive.write(tmp_path / name, f"recordings/{name}")
    source = opened(tmp_path / "set.zip", "zip", label="name")
    assert source.class_names == ("7", "10") and source.labels.tolist() == [1, 0, 0]
    assert opened(tmp_path / "set.zip" / "recordings", "zip").class_names == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_samples_of_any_width(tmp_path, dtype):
    whole = sine()
    if dtype == np.uint8:
        samples = np.rint(whole * 128 + 128).astype(np.uint8)
    elif np.issubdtype(dtype, np.integer):
        samples = (whole * -float(np.iinfo(dtype).min)).astype(dtype)
    else:
        samples = whole.astype(dtype)
    wavfile.write(tmp_path / "a.wav", RATE, samples)
    decoded, rate = audio.decode_bytes("a.WAV", (tmp_path / "a.wav").read_bytes())
    assert rate == RATE and decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, whole, atol=1 / 128 if dtype == np.uint8 else 1e-4)


def test_24_bits(tmp_path):
    """Which SciPy puts in the upper bytes of 32."""
    samples = (sine() * 2**23).astype("<i4")
    body = samples.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    header = b"RIFF" + (36 + len(body)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += b"\x01\x00\x01\x00" + RATE.to_bytes(4, "little") + (3 * RATE).to_bytes(4, "little") + b"\x03\x00\x18\x00"
    decoded, _ = audio.decode_bytes("a.wav", header + b"data" + len(body).to_bytes(4, "little") + body)
    np.testing.assert_allclose(decoded, sine(), atol=1e-6)


def test_channels_are_averaged(opened, tmp_path):
    both = np.stack([sine(), 0 * sine()], axis=1)
    save(tmp_path / "a.wav", both)
    np.testing.assert_allclose(opened(tmp_path)[0]["audio"][:800, 0], audio.to_int16(sine() / 2), atol=1)


def test_rates(opened, tmp_path, rejected):
    save(tmp_path / "a.wav", sine(1000))
    save(tmp_path / "b.wav", sine(1500, rate=12_000), rate=12_000)
    message = rejected(opened, tmp_path)
    assert "a.wav has 8000 Hz but b.wav has 12000 Hz: set --config.data.rate=N" in message
    source = opened(tmp_path, rate=8000)
    assert source.fields["audio"].fitted == {"rate": 8000}
    first, second = source.read(np.arange(2))["audio"][..., 0] / audio.FULL
    np.testing.assert_allclose(first[100:900], second[100:900], atol=2e-3)  # the same sine
    wanted = scipy.signal.resample_poly(np.float32(sine(1500, rate=12_000)), 2, 3)
    np.testing.assert_allclose(second, wanted, atol=1e-3)


def test_trimming(opened, tmp_path):
    padded = np.concatenate([np.zeros(400), sine(400), 0.001 * sine(400)])
    save(tmp_path / "a.wav", padded)
    stored = opened(tmp_path, trim=40.0)[0]["audio"][:, 0]
    np.testing.assert_array_equal(stored[:400], audio.to_int16(sine(400)))
    assert not stored[400:].any()
    stored = opened(tmp_path, trim=80.0)[0]["audio"][:, 0]
    assert np.count_nonzero(stored[400:800]) > 300


def test_loudness(opened, tmp_path):
    save(tmp_path / "a.wav", 0.1 * sine())
    assert np.abs(opened(tmp_path)[0]["audio"]).max() < 1700
    assert np.abs(opened(tmp_path, normalize=True)[0]["audio"].astype(int)).max() >= audio.FULL - 1


def test_what_cannot_be_read(opened, tmp_path, rejected, capsys):
    save(tmp_path / "good.wav")
    save(tmp_path / "empty.wav", np.zeros(0))
    assert rejected(opened, tmp_path).endswith("empty.wav: it has no samples")
    assert len(opened(tmp_path, skip_broken=True)) == 1 and "skipped 1 broken of 2 sounds" in capsys.readouterr().err
    save(tmp_path / "empty.wav", np.array([0, np.nan], np.float32))
    assert rejected(opened, tmp_path).endswith("empty.wav: it has samples that are not finite")
    save(tmp_path / "empty.wav", np.zeros(9))
    assert "it is silent, so it can be neither trimmed nor normalized" in rejected(opened, tmp_path, trim=30.0)
    (tmp_path / "empty.wav").write_bytes(b"RIFF no sound")
    message = rejected(opened, tmp_path)
    assert "cannot read" in message and message.endswith("remove it or set --config.data.skip_broken=true")
    (tmp_path / "good.wav").unlink()
    assert "none of the 1 sounds in" in rejected(opened, tmp_path, skip_broken=True)


def test_a_missing_package(opened, tmp_path, rejected, monkeypatch):
    (tmp_path / "a.flac").write_bytes(b"fLaC")
    find = builtins.__import__
    without = lambda name, *args: (_ for _ in ()).throw(ImportError) if name == "soundfile" else find(name, *args)
    monkeypatch.setattr(builtins, "__import__", without)
    assert "a.flac: it needs another package: pip install 'gan_jax[audio]'" in rejected(opened, tmp_path)


@pytest.mark.skipif(not importlib.util.find_spec("soundfile"), reason="needs pip install -e '.[audio]'")
@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_compressed_ones(opened, tmp_path, suffix):
    import soundfile

    soundfile.write(tmp_path / f"a{suffix}", sine(4000), RATE)
    stored = opened(tmp_path, length=4000)[0]["audio"][:, 0]
    assert np.abs(np.fft.rfft(stored[500:3500])).argmax() == pytest.approx(440 * 3000 / RATE, abs=1)
