"""Flax Linen modules. A network knows nothing of losses or games.

A module of this package that a config can name has one or more of a `Generator`, a `Discriminator`, a `Translator`:
`Generator(shape, num_classes, ...)(z [B, Z], condition, train) -> [B, *shape] in [-1, 1]` and
`Discriminator(num_classes, ...)(images [B, ...], condition, train) -> Verdict`, where `condition` is a label int [B],
or None if num_classes is 0; the verdict is one logit an image, or of `patch` one a patch; and
`Translator(shape, ...)(images [B, h, w, c], train, key, index) -> [B, H, W, C]`, where only C is taken of `shape`, and
there is noise only with a key, for the places `index` [B], see `noise.per_example`.
"""

import sys
from typing import Any

import flax.linen as nn

from gan_jax.config import import_named
from gan_jax.errors import UserError
from gan_jax.networks.spectral import SpectralNorm


def build(config, role: str, **given) -> nn.Module | SpectralNorm:
    """The `role` ("Generator" or "Discriminator") of the module `config.name`; the other keys are its attributes.

    One of them is ours: with `spectral` true, the network is spectrally normalised.

    Raises:
        UserError: there is no such module, role or attribute.
    """
    key = "networks.discriminator" if role == "Discriminator" else "networks.generator"
    network = import_named(sys.modules[__name__], config.name, f"{key}.name", member=role)
    attributes = {name: value for name, value in config.items() if name not in ("name", "spectral")}
    try:
        module = network(**given, **attributes)
    except TypeError as error:
        raise UserError(f"config.{key}: {error}") from None
    return SpectralNorm(module) if config.get("spectral") else module


def applied(network: nn.Module | SpectralNorm, variables: dict[str, Any], *args, **kwargs) -> tuple[Any, dict]:
    """A network's result in training, and the collections that it changed: its batch statistics, if it has any."""
    return network.apply(variables, *args, train=True, mutable=["batch_stats"], **kwargs)
