"""What can be done with the latents of a trained generator: pure functions on a `gan_jax.game.Space`.

Modes of the same names call them.
"""
