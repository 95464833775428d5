"""What a discriminator sees of real and generated images: all of them, or an augmentation, perhaps an adaptive one."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

from gan_jax import augment
from gan_jax.keys import TINY, Key
from gan_jax.schedules import annealed

KEYS = {
    "name": Key("none", "of all images that the discriminator sees", choices=("none", "diffaugment", "ada")),
    "policy": Key("color,translation,cutout", "of diffaugment, see `augment.diffaugment`; of ada, say bgc"),
    "target": Key(0.6, "of ada: p is steered to this mean sign of D(x) - boundary; 0: it is not", 0, 1 - TINY),
    "p": Key(0.0, "of ada with target=0: its probability rises to this along a cosine", 0, 1),
    "paired": Key(False, "the same draws for a real and a generated image at the same place of a batch (R3GAN2)"),
    "speed_kimg": Key(500.0, "of ada: in which p rises, or may go from 0 to 1", TINY),
}  # fmt: skip


class Augmentation(NamedTuple):
    """How images are augmented on their way to the discriminator.

    Attributes:
        apply: `(images [B, H, W, C], key, index [B], own, kimg) -> images`; `own` are the discriminator's variables.
        memory: {collection: its value at first} that the discriminator keeps for it.
        update: `(own, real_logits - boundary [B]) -> ({collection: its new value}, metrics)`.
    """

    apply: Callable
    memory: Mapping[str, Any]
    update: Callable


def make_augmentation(config: Any, batch_size: int) -> Augmentation:
    """The augmentation that a config describes.

    Args:
        config: see `KEYS`.
        batch_size: the global one.

    Raises:
        UserError: a policy that there is not.
    """
    none = Augmentation(lambda images, *_: images, {}, lambda own, margins: ({}, {}))
    if config.name == "none":
        return none
    if config.name == "diffaugment":
        augment.parse_policy(config.policy)

        def diffaugment(images, key, index, own, kimg):
            return augment.diffaugment(images, key, index, policy=config.policy)

        return none._replace(apply=diffaugment)
    augment.parse_pipe(config.policy)
    adaptive = config.target > 0

    def ada(images: jax.Array, key: jax.Array, index: jax.Array, own: dict, kimg: jax.Array) -> jax.Array:
        p = own["augment"]["p"] if adaptive else config.p - annealed(config.p, 0, config.speed_kimg, "cosine", kimg)
        return augment.ada(images, key, index, p, pipe=config.policy)

    if not adaptive:
        return none._replace(apply=ada)
    settings = {"batch_size": batch_size, "target": config.target, "speed_kimg": config.speed_kimg}

    def update(own, margins):
        memory = own["augment"]
        return {"augment": augment.ada_update(memory, margins, **settings)}, {"p": memory["p"]}

    return Augmentation(ada, {"augment": augment.ada_init()}, update)
