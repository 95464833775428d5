"""The last features of a classifier: the one for digits that comes with the library, or one of `train_classifier`."""

from functools import partial
from pathlib import Path

import jax
import numpy as np

from gan_jax.errors import UserError
from gan_jax.evaluation import classifier
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.evaluation.resize import clean
from gan_jax.modalities import Field


def open_classifier(path: str, field: Field) -> Features:
    """See `Extractor.open`."""
    own = classifier.load(*[Path(path).expanduser()] if path else [])
    kind = own.field.modality
    if kind != field.modality:
        raise UserError(f"that classifier is of the modality {kind.name}, these data are {field.modality.name}")
    if kind.to_classifier and (own.field.shape, own.field.fitted) != (field.shape, dict(field.fitted)):
        ours, theirs = (f"{list(each.shape)} {dict(each.fitted) or ''}".strip() for each in (field, own.field))
        raise UserError(f"that classifier is of examples {theirs}, these are {ours}: train another one")
    size, name = own.image_shape[:2], f"classifier {path or 'digits'} {own.sha256[:12]}"
    fit = lambda images: images
    if path and kind.resize and field.shape[:2] != size:  # that of digits is for digits as they are
        fit, name = partial(clean, size=size), f"{name}, clean resize to {size[0]}x{size[1]}"
    apply = lambda params, images: classifier.features(own._replace(params=params), fit(images))
    jax.eval_shape(apply, own.params, jax.ShapeDtypeStruct((1, *field.shape), np.uint8))  # raises if they do not fit
    return Features(name, own.params, apply, 256, logits="own")


EXTRACTOR = Extractor(open_classifier, modalities=("image", "audio", "voxels"))
