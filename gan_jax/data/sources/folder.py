"""A person's own files, such as pictures, in a folder and the folders in it."""

from typing import Any

from gan_jax.data import folders
from gan_jax.data.pictures import SUFFIXES
from gan_jax.data.source import Source

FORM = "folder:PATH"


def open_source(path: str, config: Any) -> Source:
    """All files of one kind in a folder and the folders in it, see `folders.open_files`.

    Args:
        path: the folder; ~ is expanded.
        config: the config's `data`.
    """
    root, found = folders.in_folder(path)
    return folders.open_files(root, found, lambda name: (root / name).read_bytes(), config)


def names(path: str) -> list[str]:
    """The pictures' names, as they lie in the folder."""
    return folders.of_kind(folders.in_folder(path)[1], SUFFIXES)
