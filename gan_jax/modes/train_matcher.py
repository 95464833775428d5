"""Trains a network that judges which caption belongs to which image, and writes it to a file.

python main.py --mode=train_matcher --config.data.source=folder:pictures --config.data.caption=text --out=matcher.npz
python main.py --mode=evaluate --workdir=runs/mine --features=matcher:matcher.npz
"""

from functools import partial

from gan_jax.modes import _trained

define = partial(_trained.define, kimg=600.0)


def run(**given) -> None:
    data, arguments = _trained.prepare("matcher", **given)
    from gan_jax.evaluation.matcher import train_to_file

    train_to_file(data, **arguments)
