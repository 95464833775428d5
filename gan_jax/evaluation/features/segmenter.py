"""The coarsest features of a segmenter of `--mode=train_segmenter`, which also tells the classes of pixels (`miou`)."""

from pathlib import Path

import jax.numpy as jnp

from gan_jax.errors import UserError
from gan_jax.evaluation import segmenter
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.modalities import Field


def open_segmenter(path: str, field: Field) -> Features:
    """See `Extractor.open`."""
    if not path:
        raise UserError("a segmenter is a file of --mode=train_segmenter: segmenter:FILE")
    own = segmenter.load(Path(path).expanduser())
    if own.image_shape != field.shape:
        wanted, given = ("x".join(map(str, shape)) for shape in (own.image_shape, field.shape))
        raise UserError(f"the segmenter takes images {wanted}, not {given}: train one with data.image_size")
    apply = lambda params, images: (
        segmenter.Network(len(own.names)).apply(params, images.astype(jnp.float32) / 127.5 - 1)[0], None
    )  # fmt: skip
    return Features(f"segmenter {path} {own.sha256[:12]}", own.params, apply, segmenter.CHUNK, segmenter=own)


EXTRACTOR = Extractor(open_segmenter, modalities=("image",))
