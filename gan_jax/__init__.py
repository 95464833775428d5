"""gan_jax: generative adversarial networks as pure functions in JAX, Flax and Optax."""

__version__ = "0.1.0"
