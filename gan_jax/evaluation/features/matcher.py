"""The features of images in a matcher, which also tells whether images are as their captions say (`words`,
`r_precision`): the one for captioned digits that comes with the library, or one of `train_matcher`."""

from functools import partial
from pathlib import Path

from gan_jax.errors import UserError
from gan_jax.evaluation import matcher
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.evaluation.resize import clean
from gan_jax.modalities import Field


def open_matcher(path: str, field: Field) -> Features:
    """See `Extractor.open`."""
    own = matcher.load(*[Path(path).expanduser()] if path else [])
    size, name = own.image_shape[:2], f"matcher {path or 'captioned_digits'} {own.sha256[:12]}"
    if field.shape[2] != own.image_shape[2]:
        raise UserError(f"the matcher takes images of {own.image_shape[2]} channels, not {field.shape[2]}")
    fit = lambda images: images
    if field.shape[:2] != size:
        fit, name = partial(clean, size=size), f"{name}, clean resize to {size[0]}x{size[1]}"
    apply = lambda params, images: (matcher.features(own, params, fit(images)), None)
    return Features(name, own.params, apply, matcher.CHUNK, matcher=own)


EXTRACTOR = Extractor(open_matcher, modalities=("image",))
