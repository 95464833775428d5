"""Spectral normalization: a network whose every weight matrix is divided by its largest singular value.

It is a reparametrization of the parameters, so it fits every network and no layer knows of it. The estimates of the
singular vectors are a collection, "spectral", of the player. They move when, and only when, a call says that the
collection is mutable: a game does so once a turn of the player whose network it is, never in the other's turn, in a
penalty, or while sampling.
"""

from typing import Any, NamedTuple

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp


class SpectralNorm(NamedTuple):
    """A network with W / sigma(W) in place of each W: the kernels and embeddings of its layers.

    It is used as the module itself, by `init` and `apply`. The W of a transposed convolution is that of the convolution
    which it transposes, so it has another sigma than in PyTorch. A W that is 0, as gains of conditional batch
    normalization are at first, stays as it is: its sigma is taken as 1.

    Authors' code makes a power iteration at every call in training: at five turns of the discriminator a round, 11 of
    its u and 6 of the generator's, where here they are 5 and 1. PyTorch's v is that of the previous u, half an
    iteration behind; the two agree within 0.2 % after a dozen.

    Attributes:
        network: the module.

    Reference: Miyato et al. 2018, section 2.1 and algorithm 1, with one power iteration.
    """

    network: nn.Module

    def init(self, key: jax.Array, *args, **kwargs) -> dict[str, Any]:
        """The network's variables, and "spectral": {path of W: its left singular vector u [out]}, random at first."""
        variables = dict(self.network.init(key, *args, **kwargs))
        weights = _weights(variables["params"])
        keys = jax.random.split(jax.random.fold_in(key, 1), len(weights))
        vectors = (_unit(jax.random.normal(k, w.shape[-1:])) for k, w in zip(keys, weights.values(), strict=True))
        return {**variables, "spectral": dict(zip(weights, vectors, strict=True))}

    def apply(self, variables: dict[str, Any], *args, mutable: Any = False, **kwargs) -> Any:
        """As `nn.Module.apply`; with "spectral" in `mutable`, u makes a step of the power iteration first."""
        vectors, rest = variables["spectral"], {k: v for k, v in variables.items() if k != "spectral"}
        # Not those of layers that a game keeps beside the network's own.
        weights = {path: w for path, w in _weights(rest["params"]).items() if path in vectors}
        iterate = bool(mutable) and "spectral" in mutable
        if iterate:
            vectors = {path: _iterated(w, vectors[path]) for path, w in jax.lax.stop_gradient(weights).items()}
        params = flax.traverse_util.flatten_dict(rest["params"], sep=".")
        for path, w in weights.items():
            params[path] = params[path] / sigma(w, vectors[path])
        rest["params"] = flax.traverse_util.unflatten_dict(params, sep=".")
        if not mutable:
            return self.network.apply(rest, *args, **kwargs)
        result, updates = self.network.apply(rest, *args, mutable=[m for m in mutable if m != "spectral"], **kwargs)
        return result, {**updates, "spectral": vectors} if iterate else updates


def sigma(w: jax.Array, u: jax.Array) -> jax.Array:
    """The estimate v^T W u of the largest singular value of W [in, out], v = W u / |W u|; v and u are constants.

    1 if W is 0.
    """
    v = jax.lax.stop_gradient(_unit(w @ u))
    estimate = v @ w @ jax.lax.stop_gradient(u)
    return jnp.where(estimate == 0, 1.0, estimate)


def _iterated(w: jax.Array, u: jax.Array) -> jax.Array:
    step = _unit(w @ u) @ w
    return jnp.where(jnp.any(step != 0), _unit(step), u)


def _unit(x: jax.Array) -> jax.Array:
    return x / (jnp.linalg.norm(x) + 1e-12)


def _weights(params: dict[str, Any]) -> dict[str, jax.Array]:
    """{path: W as a matrix [in, out]} of kernels [..., out] and embeddings [classes, features]."""
    flat = flax.traverse_util.flatten_dict(params, sep=".")
    return {
        path: leaf.reshape(-1, leaf.shape[-1])
        for path, leaf in flat.items()
        if leaf.ndim >= 2 and path.rpartition(".")[2] in ("kernel", "embedding")
    }
