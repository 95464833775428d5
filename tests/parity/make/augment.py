"""Numbers of augmentations, and of ADA's control, for tests/parity/test_augment.py.

mit-han-lab/data-efficient-gans 0b63395, DiffAugment_pytorch.py; POSTECH-CVLab/PyTorch-StudioGAN 947b35e,
src/utils/cr.py; NVlabs/stylegan2-ada-pytorch d72cc7d, training/augment.py and lines of training/training_loop.py.

    python tests/parity/make/augment.py FOLDER_OF_CLONES
"""

import contextlib
import sys
from types import SimpleNamespace

import numpy as np
import scipy.signal
import torch
from peers import CLONES, run, save

sys.path[:0] = [str(CLONES / "data-efficient-gans"), str(CLONES / "PyTorch-StudioGAN" / "src")]
from DiffAugment_pytorch import DiffAugment  # noqa: E402
from utils import cr  # noqa: E402

BATCH, SIZES = 16, ((32, 32), (28, 28), (7, 5))
ADA = "stylegan2-ada-pytorch/training"


@contextlib.contextmanager
def recorded():
    """What is drawn, in order; of integers the numbers in [0, 1) that they are made of.

    The first two examples get the least and the largest integer.
    """
    draws, own = [], {name: getattr(torch, name) for name in ("rand", "randn", "randint")}

    def record(name):
        def draw(*args, **kwargs):
            draws.append(own[name](*args, **kwargs))
            return draws[-1]

        return draw

    def integers(low, high, size, device):
        made = own["randint"](low, high, size)
        made[0], made[1] = low, high - 1
        draws.append((made - low + 0.5) / (high - low))
        return made

    torch.rand, torch.randn, torch.randint = record("rand"), record("randn"), integers
    yield draws
    for name, function in own.items():
        setattr(torch, name, function)


def flat(draws):
    """[B, n]"""
    return torch.stack([draw.flatten() for draw in draws], dim=1)


def diffaugment():
    images = torch.rand(BATCH, 3, 4, 5) * 2 - 1
    with recorded() as draws:
        changed = DiffAugment(images, "color")
    return {"images": images, "color": changed, "color_draws": flat(draws)}


def moves():
    """Of images of which each pixel has a number of its own."""
    numbers = {}
    for height, width in SIZES:
        images = 1 + torch.arange(height * width, dtype=torch.float32).reshape(1, 1, height, width).repeat(
            BATCH, 1, 1, 1
        )
        for policy in ("translation", "cutout"):
            with recorded() as draws:
                numbers[f"{policy}_{height}"] = DiffAugment(images, policy).short()
            numbers[f"{policy}_{height}_draws"] = flat(draws)
        torch.manual_seed(height)
        flips = torch.FloatTensor(BATCH, 1).uniform_(0.0, 1.0)
        torch.manual_seed(height)
        with recorded() as draws:
            numbers[f"cr_{height}"] = cr.apply_cr_aug(images).short()
        numbers[f"cr_{height}_draws"] = flat([*draws, flips])
    return numbers


def pipe(p=0.7):
    """Colors, noise and cutout."""
    names = {"torch": torch, "np": np, "scipy": scipy, "_constant_cache": {}}
    names["misc"] = run("stylegan2-ada-pytorch/torch_utils/misc.py", "def constant", **names)
    names["upfirdn2d"] = SimpleNamespace(setup_filter=torch.as_tensor)  # of geometry, which is not run
    functions = (f"def {name}" for name in ("matrix", "translate3d", "scale3d", "rotate3d"))
    kind = run(f"{ADA}/augment.py", "wavelets = {", *functions, "class AugmentPipe", **names).AugmentPipe
    groups = ("brightness", "contrast", "lumaflip", "hue", "saturation", "noise", "cutout")
    augment, images = kind(**dict.fromkeys(groups, 1)), torch.rand(BATCH, 3, 6, 5) * 2 - 1
    augment.p.copy_(torch.tensor(p))
    with recorded() as draws:
        changed = augment(images)
    *draws, grain, hole, center = draws  # a number and, against p, another of each color and of the noise
    numbers = {
        "pipe_draws": flat(draws),
        "pipe_grain": grain,
        "pipe_hole": hole.flatten(),
        "pipe_center": center.squeeze(),
    }
    return numbers | {"pipe_images": images, "pipe": changed, "pipe_p": p}


class Signs:
    """In place of a collector of statistics: the mean of what was reported since the last update."""

    def __init__(self):
        self.reported = []

    def update(self):
        self.mean, self.reported = np.mean(self.reported), []

    def __getitem__(self, name):
        return self.mean


def control(batch=8, batch_size=64):
    """p of 4,000 turns, in which it rises, falls, and rises beyond 1."""
    shares = np.repeat([0.9, 0.7, 1.0], [1200, 800, 2000])
    signs = np.where(np.random.default_rng(0).uniform(size=(4000, batch)) < shares[:, None], 1, -1).astype(np.int8)
    pipe, stats, values = SimpleNamespace(p=torch.zeros([])), Signs(), []
    names = {"np": np, "misc": SimpleNamespace(constant=lambda x, device: torch.tensor(float(x))), "device": "cpu"}
    names |= {"ada_target": 0.6, "ada_interval": 4, "ada_kimg": 100, "batch_size": batch_size}
    for number, of_turn in enumerate(signs, start=1):
        stats.reported.append(of_turn)
        given = {"ada_stats": stats, "augment_pipe": pipe, "batch_idx": number}
        run(f"{ADA}/training_loop.py", "if (ada_stats is not None) and (batch_idx", **names, **given)
        values.append(pipe.p.item())
    return {"signs": signs, "p": np.float32(values)}


torch.manual_seed(0)
save("augment", **diffaugment(), **moves(), **pipe(), **control())
