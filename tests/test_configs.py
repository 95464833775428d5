"""Every config trains two rounds, shrunk, and says what it is."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from gan_jax.config import check
from gan_jax.runners import make_runner
from gan_jax.train import train

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "configs").glob("*.py"))


@pytest.mark.parametrize("name, devices", [*((name, 1) for name in NAMES), ("digits_dcgan", 2)])
def test_two_rounds(name, devices, tmp_path):
    config = importlib.import_module(f"configs.{name}").get_config()
    check(config)
    shape = {"64": (64, 64, 3), "native": (28, 28, 1)}[str(config.data.image_size)]
    if ":" in config.data.source:  # what is not in the package
        images = np.random.default_rng(0).integers(0, 256, (16, *shape), np.uint8)
        np.savez(tmp_path / "few.npz", images=images, labels=np.arange(16) % 10)
        config.data.source = f"npz:{tmp_path / 'few.npz'}"
    config.batch_size, config.total_kimg, config.evaluation.num = 4, 0.008, 16
    for player in ("generator", "discriminator"):
        config.networks[player].width = 4
    train(config, tmp_path / "run", make_runner("auto", devices))
    assert (tmp_path / "run" / "samples" / "000002.png").exists()


@pytest.mark.parametrize("name", NAMES)
def test_docstring_tells_paper_command_and_result(name):
    text = importlib.import_module(f"configs.{name}").__doc__
    assert "Paper:" in text and "python main.py" in text and "\nResult: " in text
