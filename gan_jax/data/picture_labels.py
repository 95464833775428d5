"""The labels of pictures in a folder or a zip file: the folders that they lie in, or a field of metadata.jsonl."""

import json
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from gan_jax.errors import UserError

METADATA = "metadata.jsonl"


def labels_of(names: Iterable[str], root: PurePosixPath, read: Callable[[str], bytes], label: str) -> list[str]:
    """The class of each picture, and none where `label` is "folder" and all lie in one.

    Args:
        names: of the pictures, as they lie in the folder.
        root: the folder.
        read: gives the bytes of a file in it.
        label: "folder"; or a field of metadata.jsonl, a line {"file_name": NAME, FIELD: VALUE, ...} each; or
            FIELD:WIDTH, a number, in classes of so many whole numbers each.

    Raises:
        UserError: there is no such file or field, or a picture is not in it.
    """
    if label == "folder":
        return [PurePosixPath(root, name).parent.name for name in names]
    field, _, width = label.partition(":")
    flag = f"--config.data.label={label}"
    if width and not (width.isdigit() and int(width)):
        raise UserError(f"{flag}: must be folder, FIELD or FIELD:WIDTH, such as age:20")
    try:
        lines = [json.loads(line) for line in read(METADATA).decode().splitlines() if line.strip()]
        values = {line["file_name"]: line[field] for line in lines}
    except (OSError, KeyError, ValueError, TypeError) as error:
        missing = isinstance(error, KeyError) and error.args == (field,)
        what = (
            f"{METADATA} has no field {field} in each line" if missing else f"{METADATA} is missing or cannot be read"
        )
        raise UserError(f"{flag}: {root}/{what}") from None
    if lacking := [name for name in names if name not in values]:
        raise UserError(f"{flag}: {root}/{METADATA} has no line of {lacking[0]} ({len(lacking)} such pictures)")
    return [named(values[name], int(width or 0), flag) for name in names]


def named(value: object, width: int, flag: str) -> str:
    """The class of a value.

    Raises:
        UserError: it is no number, but classes have a width.
    """
    if not width:
        return str(value)
    if not isinstance(value, int | float):
        raise UserError(f"{flag}: {value!r} is no number")
    start = int(value // width) * width
    return f"{start} to {start + width - 1}"


def in_order(classes: Iterable[str]) -> list[str]:
    """Different classes, sorted: by their first numbers where all begin with one, else by their letters."""
    found = set(classes)
    first = {name: name.split(" ")[0] for name in found}
    numbers = all(word.lstrip("-").isdigit() for word in first.values())
    return sorted(found, key=lambda name: (int(first[name]), name)) if numbers else sorted(found)
