"""Kinds of files that folders and zip files hold, a module each, of the name of its modality.

A module of this package has `CALLED`, what people call such files, their `SUFFIXES`, and `open_files(root, found, read,
config) -> Source`, see `gan_jax.data.folders.open_files`, whose `found` are files of this kind alone.
"""
