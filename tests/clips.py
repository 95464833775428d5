"""Clips for tests, and the smallest run that predicts frames."""

import numpy as np
from PIL import Image
from tiny import changed
from translating import SHORT

from gan_jax.config import config_for

GENERATOR = {"name": "multiscale", "width": 2, "scales": 2, "kernel": 3}
DISCRIMINATOR = {"name": "patch", "width": 2, "layers": 1, "padding": "same", "norm": "none"}
DIGITS = "moving_digits:digits=1,side=8,canvas=12,speed=1.5,walls=bounce"


def tiny_config(terms=("lp", "gradient_difference", "adversarial"), **changes):
    """`changes` are {"dotted.key": value}."""
    config = config_for("next_frames")
    config.terms = {name: {"weight": 0.05} if name == "adversarial" else {} for name in terms}
    config.networks.generator, config.networks.discriminator = GENERATOR, DISCRIMINATOR
    return changed(config, {**SHORT, "data.source": DIGITS, "data.frames": "3+2", **changes})


def frames(count, height=6, width=8, channels=3, seed=0):
    """uint8 [count, height, width, channels], each frame of one color, brighter from one to the next."""
    first = np.random.default_rng(seed).integers(0, 40, channels)
    colors = first + 10 * np.arange(count)[:, None]
    return np.broadcast_to(colors[:, None, None], (count, height, width, channels)).astype(np.uint8)


def save_frames(folder, clip, first=0, suffix=".png"):
    """A clip as a folder of frames, numbered without leading zeros."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(clip, first):
        Image.fromarray(frame.squeeze()).save(folder / f"frame_{number}{suffix}")
    return folder
