"""Trains a segmenter, which tells the class of each pixel, on photographs and their label maps.

python main.py --mode=train_segmenter --config.data.source=folder:facades/train --config.data.pair=right_left \
    --config.data.palette=facades --config.data.image_size=128 --test=folder:facades/test --out=facades.npz

It prints the intersection over union of each class, their mean, and the share of pixels that are right, on pictures
that it was not trained on. Pixels of a class "void" are left out.
"""

from functools import partial

from gan_jax.modes import _trained

define = partial(_trained.define, kimg=16.0)


def run(**given) -> None:
    data, arguments = _trained.prepare("segmenter", **given)
    from gan_jax.evaluation.segmenter import train_to_file

    train_to_file(data, **arguments)
