"""x"""

from gan_jax.config import base_config


def get_config():
    return base_config()
