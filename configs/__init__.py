"""The experiments that come with the library, a file each, as the package `gan_jax.configs`."""
