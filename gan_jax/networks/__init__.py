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
from gan_jax.networks.computing import Computed
from gan_jax.networks.spectral import SpectralNorm

Network = nn.Module | Computed | SpectralNorm  # each with `init` and `apply`


def build(config, role: str, **given) -> Network:
    """A network, computed as `config.dtype` and `config.remat` say.

    Args:
        config: of whose `networks` the discriminator, or else the generator, has a module's `name`; the other keys
            there are the module's attributes, but one: with `spectral` true, the network is spectrally normalised.
        role: "Generator", "Translator" or "Discriminator", what is taken from the module.
        given: attributes that come from the data.

    Raises:
        UserError: there is no such module, role, attribute or type.
    """
    player = "discriminator" if role == "Discriminator" else "generator"
    own, key = config.networks[player], f"networks.{player}"
    network = import_named(sys.modules[__name__], own.name, f"{key}.name", member=role)
    attributes = {name: value for name, value in own.items() if name not in ("name", "spectral")}
    if config.dtype not in ("float32", "bfloat16"):
        raise UserError(f"config.dtype={config.dtype!r}: must be float32 or bfloat16")
    try:
        module = network(**given, **attributes)
    except TypeError as error:
        raise UserError(f"config.{key}: {error}") from None
    if config.dtype != "float32" or config.remat:
        module = Computed(module, config.dtype, config.remat)
    return SpectralNorm(module) if own.get("spectral") else module


def bare(network: Network) -> nn.Module:
    """The module itself."""
    return network if isinstance(network, nn.Module) else bare(network.network)


def applied(network: Network, variables: dict[str, Any], *args, **kwargs) -> tuple[Any, dict]:
    """A network's result in training, and the collections that it changed: its batch statistics, if it has any."""
    return network.apply(variables, *args, train=True, mutable=["batch_stats"], **kwargs)
