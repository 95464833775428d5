"""Trained runs of games that translate, four rounds each, with pictures only at the start and at the end."""

import numpy as np
import pytest
from PIL import Image
from tiny import get_config
from translating import SOON, config_for, random_picture, save_all

from gan_jax.loop import train
from gan_jax.runners import make_runner

FEW = {"sample_kimg": 1.0, "checkpoint_kimg": 1.0}
CYCLE_ALONE = {"identity": 0.0}  # the sooner are they compiled
PIXELS_ALONE = {"perceptual": 0.0, "adversarial": 0.0}


def trained(place, config):
    train(config, place, make_runner("jit"))
    return place


def pair_of(seed):
    """A picture on the left, its negative on the right."""
    left = np.asarray(random_picture(seed))
    return Image.fromarray(np.concatenate([left, 255 - left], axis=1))


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("translations")


@pytest.fixture(scope="session")
def halves(place):
    """pix2pix on six pairs, each a picture, watched and measured on three others."""
    source = save_all(place / "halves" / "train", 6, pair_of)
    other = save_all(place / "halves" / "val", 3, pair_of, first=50)
    changes = {"data.source": source, "data.pair": "left_right", "evaluation.source": other}
    changes |= {"evaluation.features": "auto", "eval_kimg": 0.004}
    return trained(place / "pix2pix", config_for("pix2pix", **FEW, **changes))


@pytest.fixture(scope="session")
def two(place):
    """CycleGAN on two sets without pairs: five inputs and nine targets."""
    inputs = save_all(place / "two" / "a", 5, random_picture)
    source = save_all(place / "two" / "b", 9, random_picture, first=20)
    changes = {"data.source": source, "data.inputs": inputs, "data.paired": False, "data.resident_mb": 0, "pool": 0}
    return trained(place / "cyclegan", config_for("cyclegan", CYCLE_ALONE, **FEW, **changes))


@pytest.fixture(scope="session")
def halves_apart(halves, place):
    """CycleGAN on the pictures of pix2pix, which it does not take for pairs."""
    changes = {"data.source": f"folder:{place / 'halves' / 'train'}", "data.pair": "right_left"}
    changes |= {"data.paired": False, "data.resident_mb": 0, "pool": 0}
    return trained(place / "apart", config_for("cyclegan", **SOON, **FEW, **changes))


@pytest.fixture(scope="session")
def superres(place):
    """Gray pictures of 8x8, from 4x4; of 16, a quarter is held out."""
    source = save_all(place / "gray", 16, lambda seed: random_picture(seed, 8, 8, channels=1))
    changes = {"data.source": source, "data.task": "superres", "data.factor": 2, "data.held_out": 0.25}
    return trained(place / "srgan", config_for("srgan", PIXELS_ALONE, **FEW, **changes))


@pytest.fixture(scope="session")
def noise(place):
    """A run that does not translate."""
    return trained(place / "ring", get_config(total_kimg=0.016))
