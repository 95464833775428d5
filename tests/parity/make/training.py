"""Numbers of averages and optimizers for tests/parity/test_training.py.

NVlabs/stylegan2-ada-pytorch d72cc7d, lines of training/training_loop.py; torch.optim of PyTorch 2.13.

    python tests/parity/make/training.py FOLDER_OF_CLONES
"""

from types import SimpleNamespace

import numpy as np
import torch
from peers import run, save

LOOP = "stylegan2-ada-pytorch/training/training_loop.py"


def average(rounds=60, batch_size=64):
    """Of a parameter that is given, from 0 on, with a half-life of 10 kimg that is reached after 40 rounds."""
    given, values, decays = torch.randn(rounds, 3), [], []
    module = lambda x: SimpleNamespace(parameters=lambda: [x], buffers=lambda: [])
    averaged = torch.zeros(3)
    for number, now in enumerate(given):
        names = {"torch": torch, "ema_kimg": 10, "ema_rampup": 4.0, "batch_size": batch_size}
        names |= {"cur_nimg": number * batch_size, "G": module(now), "G_ema": module(averaged)}
        decays.append(run(LOOP, "with torch.autograd.profiler.record_function('Gema')", **names).ema_beta)
        values.append(averaged.clone())
    return {"parameters": given, "averages": torch.stack(values), "decays": np.float32(decays)}


class EasyDict(dict):
    """As in dnnlib."""

    __getattr__, __setattr__ = dict.__getitem__, dict.__setitem__


def lazy(rounds=12, interval=4):
    """A player that minimizes |x - a|^2 / 2 every round and |x|^4 / 4 lazily, by Adam."""
    a, x = torch.randn(3), torch.nn.Parameter(torch.randn(3))
    player = SimpleNamespace(parameters=lambda: [x])
    settings = EasyDict(class_name="torch.optim.Adam", lr=0.05, betas=[0.5, 0.99], eps=1e-8)
    make = lambda params, class_name, **own: torch.optim.Adam(params, **own)
    dnnlib = SimpleNamespace(EasyDict=EasyDict, util=SimpleNamespace(construct_class_by_name=make))
    names = {"dnnlib": dnnlib, "G": player, "G_opt_kwargs": settings, "G_reg_interval": interval}
    names |= {"D": player, "D_opt_kwargs": settings, "D_reg_interval": None, "phases": []}
    phases = run(LOOP, "for name, module, opt_kwargs, reg_interval in", **names).phases[:2]
    numbers, path = {"lazy_a": a, "lazy_x": x.detach().clone()}, []
    for number in range(rounds):
        for phase in phases:
            if number % phase.interval == 0:
                phase.opt.zero_grad()
                loss = ((x - a) ** 2).sum() / 2 if phase.name == "Gmain" else (x**4).sum() / 4
                (loss * phase.interval).backward()
                phase.opt.step()
        path.append(x.detach().clone())
    return numbers | {"lazy_path": torch.stack(path)}


def optimizers(steps=8):
    """Of gradients that are given, some of them small beside what is added to the root."""
    gradients = torch.randn(steps, 4) * torch.tensor([1.0, 1e-2, 1e-7, 1e-8])
    numbers = {"gradients": gradients}
    kinds = {
        "adam": lambda x: torch.optim.Adam([x], lr=2e-4, betas=(0.5, 0.999)),
        "adam_0": lambda x: torch.optim.Adam([x], lr=2e-4, betas=(0.0, 0.9)),
        "rmsprop": lambda x: torch.optim.RMSprop([x], lr=5e-5),  # as WassersteinGAN's main.py has it
    }
    for name, kind in kinds.items():
        x, path = torch.nn.Parameter(torch.zeros(4)), []
        optimizer = kind(x)
        for gradient in gradients:
            x.grad = gradient.clone()
            optimizer.step()
            path.append(x.detach().clone())
        numbers[name] = torch.stack(path)
    return numbers


torch.manual_seed(0)
save("training", **average(), **lazy(), **optimizers())
