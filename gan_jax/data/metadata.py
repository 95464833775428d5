"""What is known of files in a folder or a zip file besides what they hold: their classes, and words about them.

It stands in a `metadata.jsonl`, a line {"file_name": NAME, FIELD: VALUE, ...} a picture, or in a `metadata.csv` with
such columns, as others' tools keep it; words also in a NAME.txt beside NAME.png, a caption a line.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

import numpy as np

from gan_jax.errors import UserError

FILES = ("metadata.jsonl", "metadata.csv")
BESIDE = "txt"  # the name of captions that stand in files of their own
ENDS = "_-. "  # where the beginning of a name ends

Read = Callable[[str], bytes]


def labels_of(names: Iterable[str], root: PurePosixPath, read: Read, label: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The class of each file, int32 [N], and the names of the classes; () where all are of one.

    Args:
        names: of the files, as they lie in the folder.
        root: the folder.
        read: gives the bytes of a file in it.
        label: "folder"; "name", how the file's name begins, up to the first of `ENDS`: 7 of 7_jackson_0.wav; or a field
            of the metadata; or FIELD:WIDTH, a number, in classes of so many whole numbers each.

    Raises:
        UserError: there is no such file or field, or a file is not in it.
    """
    named = _classes_of(names, root, read, label)
    classes = sorted(set(named)) if label == "folder" else in_order(named)
    number = {name: i for i, name in enumerate(classes)}
    return np.array([number[name] for name in named], np.int32), tuple(classes) if len(classes) > 1 else ()


def _classes_of(names: Iterable[str], root: PurePosixPath, read: Read, label: str) -> list[str]:
    if label == "folder":
        return [PurePosixPath(root, name).parent.name for name in names]
    if label == "name":
        return [re.split(f"[{re.escape(ENDS)}]", PurePosixPath(name).name)[0] for name in names]
    field, _, width = label.partition(":")
    flag = f"--config.data.label={label}"
    if width and not (width.isdigit() and int(width)):
        raise UserError(f"{flag}: must be folder, name, FIELD or FIELD:WIDTH, such as age:20")
    values = _values(field, names, root, read, flag)
    return [_named(values[name][0], int(width or 0), flag) for name in names]


def captions_of(names: Iterable[str], root: PurePosixPath, read: Read, caption: str) -> list[list[str]]:
    """The captions of each picture, one or several.

    Args:
        names, root, read: see `labels_of`.
        caption: a field of the metadata, text or a list of texts, of one line or several of the same picture; or "txt".

    Raises:
        UserError: a picture has none, or an empty one.
    """
    flag, found = f"--config.data.caption={caption}", {}
    if caption == BESIDE:
        for name in names:
            file = PurePosixPath(name).with_suffix(".txt").as_posix()
            try:
                found[name] = [line for line in read(file).decode().splitlines() if line.strip()]
            except (OSError, KeyError):
                raise UserError(f"{flag}: {root}/{name} has no {file} beside it") from None
            except UnicodeDecodeError:
                raise UserError(f"{flag}: {root}/{file} is no text in UTF-8") from None
    else:
        values = _values(caption, names, root, read, flag)
        if strangers := sorted(set(values) - set(names)):
            raise UserError(
                f"{flag}: {root} describes {strangers[0]}, which is not there ({len(strangers)} such pictures)"
            )
        flat = lambda value: value if isinstance(value, list) else [value]
        found = {name: [text for value in values[name] for text in flat(value)] for name in names}
    for name, texts in found.items():
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise UserError(f"{flag}: {root}/{name} has an empty caption, or something else in its place")
    return [found[name] for name in names]


def _values(field: str, names: Iterable[str], root: PurePosixPath, read: Read, flag: str) -> dict[str, list]:
    """What a field of the metadata says of each picture; several things if it has several lines.

    Raises:
        UserError: there is no such file or field, or a picture is not in it.
    """
    file, lines = _lines(root, read, flag)
    values = {}
    try:
        for line in lines:
            values.setdefault(line["file_name"], []).append(line[field])
    except (KeyError, TypeError) as error:
        missing = isinstance(error, KeyError) and error.args == (field,)
        what = f"has no field {field} in each line" if missing else "has no file_name in each line"
        raise UserError(f"{flag}: {root}/{file} {what}") from None
    if lacking := [name for name in names if name not in values]:
        raise UserError(f"{flag}: {root}/{file} has no line of {lacking[0]} ({len(lacking)} such files)")
    return values


def _lines(root: PurePosixPath, read: Read, flag: str) -> tuple[str, list]:
    """The name of the metadata's file, and a dict of each of its lines."""
    for file in FILES:
        try:
            text = read(file).decode("utf-8-sig")
        except (OSError, KeyError):
            continue
        except UnicodeDecodeError:
            raise UserError(f"{flag}: {root}/{file} is no text in UTF-8") from None
        try:
            if file.endswith(".csv"):
                return file, list(csv.DictReader(text.splitlines(keepends=True), strict=True))
            return file, [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, csv.Error):
            raise UserError(f"{flag}: {root}/{file} cannot be read") from None
    raise UserError(f"{flag}: there is neither {root}/{' nor '.join(FILES)}")


def _named(value: object, width: int, flag: str) -> str:
    """The class of a value.

    Raises:
        UserError: it is no number, but classes have a width.
    """
    if not width:
        return str(value)
    try:
        start = int(float(value) // width) * width
    except (TypeError, ValueError):
        raise UserError(f"{flag}: {value!r} is no number") from None
    return f"{start} to {start + width - 1}"


def in_order(classes: Iterable[str]) -> list[str]:
    """Different classes, sorted: by their first numbers where all begin with one, else by their letters."""
    found = set(classes)
    first = {name: name.split(" ")[0] for name in found}
    numbers = all(word.lstrip("-").isdigit() for word in first.values())
    return sorted(found, key=lambda name: (int(first[name]), name)) if numbers else sorted(found)
