"""The features of the Fréchet Inception distance, images resized with antialiasing (Parmar et al. 2022)."""

from functools import partial

from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.features.inception import open_inception

EXTRACTOR = Extractor(partial(open_inception, resize="clean"), modalities=("image",), downloads=True)
