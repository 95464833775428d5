"""Flax Linen modules. A network knows nothing of losses or games.

A module of this package that a config can name has one or more of these classes, the roles of networks:

    Generator(shape, num_classes, ...)(z [B, Z], condition, train, key, index) -> [B, *shape], images in [-1, 1]
    Discriminator(num_classes, ...)(images [B, ...], condition, train, key, index) -> DiscriminatorOutput
    Translator(shape, ...)(images [B, h, w, c], train, key, index) -> [B, H, W, C]
    Encoder(size, ...)(examples [B, ...], train) -> [B, size], numbers without bounds
    TextEncoder(num_words, size, ...)(words int [B, L], train) -> [B, size]; 0 is no word
    Refiner(shape, num_classes, ...)(images [B, h, w, C], condition [B, num_classes], train) -> [B, *shape]

`condition` is a label int [B], or weights over the classes float [B, num_classes], see `condition.rows`, or any other
numbers, such as what a caption is encoded by; None if `num_classes` is 0. A discriminator gives one logit an image, or,
as `patch` does, one a patch. Of a translator's `shape` only C is used. A network that is noisy has the arguments `key`
and `index` int [B], the places that the noise is for, see `noise.per_example`; without a key there is no noise. A
generator that has styles has the methods of `stylegan2.Generator`; its noise may have a place for each layer, int [B,
L], and there is none at a negative place. A translator whose attribute `style` is true finds the latents of a picture,
see `spade.Translator`: it has the methods `encode(images, train) -> (mean, log_variance)`, each [B, Z], and
`make(images, z [B, Z], train)`. A translator that works from coarse to fine has the method `refine(images, train) ->
results`, the finest first, each half of that before, as many as its attribute `scales` says. Other attributes are keys
of the config.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax

from gan_jax.errors import UserError
from gan_jax.keys import Key, Schema, argument_docs, closest, from_signature
from gan_jax.lookup import import_by_name
from gan_jax.networks.computing import Computed
from gan_jax.networks.spectral import SpectralNorm

Network = nn.Module | Computed | SpectralNorm  # each with `init` and `apply`

# Attributes that are no keys.
GIVEN = ("shape", "size", "num_words", "num_classes", "num_codes", "san", "factor", "name", "parent")


def keys(role: str, player: str | None = None, **defaults: Any) -> Callable[[Mapping[str, Any]], Schema]:
    """The keys of a network in a config, see `gan_jax.keys`: a function of what the config gives that returns a schema.

    They are its module's `name`, `spectral`, and the attributes of the class.

    Args:
        role: the name of the class.
        player: as for `build`.
        defaults: `name`, and defaults of other keys, which hold for the network of that name alone.
    """

    def schema(given: Mapping[str, Any]) -> Schema:
        name = str(given.get("name", defaults["name"]))
        found = {
            "name": Key(
                defaults["name"], f"a module with the role {role}: of gan_jax.networks, or any that Python can import"
            ),
            "spectral": Key(False, "whether to divide each weight matrix by its largest singular value"),
            **_attributes(_find(name, role, player or _player(role))),
        }
        own = defaults if name == defaults["name"] else {}
        return {**found, **{key: found[key]._replace(default=default) for key, default in own.items()}}

    return schema


def build(config, role: str, player: str | None = None, **given: Any) -> Network:
    """A network, computed as `config.dtype` and `config.remat` say.

    Args:
        config: its `networks[player]` has the keys of `keys`.
        role: the name of the class.
        player: the group of keys; None: "discriminator" or "encoder" for a role of that name, else "generator".
        given: attributes that come from the data or the game.

    Raises:
        UserError: there is no such module, role or attribute.
    """
    player = player or _player(role)
    own = config.networks[player]
    network = _find(own.name, role, player)
    attributes = {key: value for key, value in own.items() if key not in ("name", "spectral")}
    known = [name for name in inspect.signature(network).parameters if name not in ("name", "parent")]
    for key in attributes:
        if key not in known:
            raise UserError(f"--config.networks.{player}.{key}: {own.name} has no such key; {closest(key, known)}")
    for attribute in given:
        if attribute not in known:
            raise UserError(f"--config.networks.{player}.name={own.name}: it has no {attribute}, which this game needs")
    module = network(**given, **attributes)
    if config.dtype != "float32" or config.remat:
        module = Computed(module, config.dtype, config.remat)
    return SpectralNorm(module) if own.get("spectral") else module


def _player(role: str) -> str:
    return role.lower() if role in ("Discriminator", "Encoder") else "generator"


def _find(name: str, role: str, player: str) -> type[nn.Module]:
    return import_by_name(sys.modules[__name__], name, f"networks.{player}.name", member=role)


def _attributes(network: type[nn.Module]) -> dict[str, Key]:
    """The keys of a class, with what the docstrings of its bases say of those that it inherits."""
    docs = {}
    for base in reversed(network.__mro__):
        docs |= argument_docs(inspect.cleandoc(base.__doc__ or ""))
    return {name: key._replace(doc=docs.get(name, "")) for name, key in from_signature(network, GIVEN).items()}


def bare(network: Network) -> nn.Module:
    """The module itself."""
    return network if isinstance(network, nn.Module) else bare(network.network)


def noise_of(network: Network, key: jax.Array | None, index: jax.Array | None) -> dict[str, jax.Array | None]:
    """The arguments of a network's call that are about noise; {} if it has none."""
    return {"key": key, "index": index} if takes(network, "key") else {}


def takes(network: Network, argument: str) -> bool:
    """Whether a network's call has an argument of that name."""
    return argument in inspect.signature(type(bare(network)).__call__).parameters


def has_styles(network: Network) -> bool:
    """Whether a generator can be called in two steps, `styles` and `synthesize`."""
    return hasattr(bare(network), "synthesize")


def encodes(network: Network) -> bool:
    """Whether a translator finds the latents of a picture."""
    return getattr(bare(network), "style", False)


def refines(network: Network) -> bool:
    """Whether a translator gives its results at several resolutions."""
    return hasattr(bare(network), "refine")


def applied(network: Network, variables: dict[str, Any], *args, moves: bool = False, **kwargs) -> tuple[Any, dict]:
    """A network's result in training, and the collections that it changed.

    They are its batch statistics, if it has any; and if it is the turn of its player, which `moves`, its estimates of
    singular vectors: once a turn, so of several calls in the first.
    """
    mutable = ["batch_stats", "spectral"] if moves else ["batch_stats"]
    return network.apply(variables, *args, train=True, mutable=mutable, **kwargs)
