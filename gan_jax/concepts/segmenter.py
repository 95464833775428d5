"""The classes of a segmenter of `--mode=train_segmenter`."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.concepts import Concepts
from gan_jax.data.label_maps import VOID
from gan_jax.errors import UserError
from gan_jax.evaluation import segmenter
from gan_jax.evaluation.features.segmenter import open_segmenter
from gan_jax.modalities import Field


def concepts(rest: str, field: Field) -> Concepts:
    """All classes but void; a score is the mean probability over all pixels.

    Args:
        rest: the file.
        field: of images such as it was trained on.

    Raises:
        UserError: the segmenter is none, or is for other images.
    """
    if field.modality.name != "image":
        raise UserError(f"a segmenter tells the classes of images, not of {field.modality.name}")
    own = open_segmenter(rest, field).segmenter
    known = [number for number, name in enumerate(own.names) if name != VOID]
    classes = jax.jit(partial(segmenter.segment, own))

    def masks(stored):
        parts = [stored[start : start + segmenter.CHUNK] for start in range(0, len(stored), segmenter.CHUNK)]
        found = np.concatenate([np.asarray(classes(field.modality.to_model(part, field))) for part in parts])
        return found[..., None] == np.array(known)

    def score(images):
        _, logits = segmenter.Network(len(own.names)).apply(own.params, images)
        return jnp.mean(jax.nn.softmax(logits[..., np.array(known)]), axis=(1, 2))

    return Concepts(tuple(own.names[number] for number in known), masks, score)


CONCEPTS = concepts
