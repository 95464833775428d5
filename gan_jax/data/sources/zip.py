"""A person's own files, such as pictures, in a zip file."""

from typing import Any

from gan_jax.data import folders
from gan_jax.data.pictures import SUFFIXES
from gan_jax.data.source import Source

FORM = "zip:FILE[/FOLDER]"


def open_source(path: str, config: Any) -> Source:
    """All files of one kind in a zip file, or in a folder in one, see `folders.open_files`.

    Args:
        path: the file, and after it, if wanted, a folder inside: "~/cifar10.zip/train".
        config: the config's `data`.
    """
    root, members, archive = folders.in_zip(path)
    with archive:
        found = {name: (info.file_size, info.CRC) for name, info in members.items()}
        return folders.open_files(root, found, lambda name: archive.read(members[name]), config)


def names(path: str) -> list[str]:
    """The pictures' names, as they lie in the file, or in the folder in it."""
    _, members, archive = folders.in_zip(path)
    archive.close()
    return folders.of_kind(members, SUFFIXES)
