"""How a network is computed: in which type, and what is kept for the backward pass. No layer knows of either."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_policies

from gan_jax.networks.layers import CONVOLVED

KEPT = checkpoint_policies.save_from_both_policies(
    checkpoint_policies.dots_saveable, checkpoint_policies.save_only_these_names(CONVOLVED)
)


class Computed(NamedTuple):
    """A network that computes in another type than that of its parameters, or recomputes activations.

    It is used as the module itself, by `init` and `apply`. Parameters, running statistics, results and gradients are
    float32; so are means and variances within normalization, as Flax computes them. Losses and penalties are made of
    results, so they are float32 too. No loss needs scaling: bfloat16 has the range of float32.

    Attributes:
        network: the module.
        dtype: of activations, and of parameters where they meet them: "float32" or "bfloat16".
        remat: whether the backward pass recomputes everything but the results of convolutions and matrix products,
            which takes a little more time, and less memory.

    Reference: Micikevicius et al. 2018 (mixed precision); Chen et al. 2016 (rematerialization).
    """

    network: nn.Module
    dtype: str
    remat: bool

    def init(self, key: jax.Array, *args, **kwargs) -> dict[str, Any]:
        """The network's variables, float32."""
        return self.network.init(key, *args, **kwargs)

    def apply(self, variables: dict[str, Any], *args, mutable: Any = False, **kwargs) -> Any:
        """As `nn.Module.apply`."""

        def call(variables, args):
            own = {**variables, "params": cast(variables["params"], self.dtype)}
            return cast(self.network.apply(own, *cast(args, self.dtype), mutable=mutable, **kwargs), "float32")

        if self.remat:
            call = jax.checkpoint(call, policy=KEPT)
        return call(variables, args)


def cast(tree: Any, dtype: str) -> Any:
    """The tree with its floating-point arrays of that type."""
    of = lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x
    return jax.tree.map(of, tree)
