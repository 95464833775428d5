"""The experiments that come with the library, a file each: in a clone the folder configs/ beside the package.

In an installed wheel they are a package in this module's place, see setup.py. So `gan_jax.configs.NAME` is everywhere.
"""

from pathlib import Path

__path__ = [str(Path(__file__).parent.parent / "configs")]
