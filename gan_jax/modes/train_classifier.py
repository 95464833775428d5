"""Trains a classifier of labeled images, whose features then measure samples like them.

python main.py --mode=train_classifier --config.data.source=folder:PATH --out=mine.npz
python main.py --mode=evaluate --workdir=runs/mine --features=classifier:mine.npz
"""

from functools import partial

from gan_jax.modes import _trained

define = partial(_trained.define, kimg=600.0)


def run(**given) -> None:
    data, arguments = _trained.prepare("classifier", **given)
    from gan_jax.evaluation.classifier import train_to_file

    train_to_file(data, **arguments)
