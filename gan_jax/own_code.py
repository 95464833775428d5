"""Modules of the user's that runs are made of: where they lie, and whether a saved run may name them.

A run names its game, its networks and more in files that may have come from anywhere. Names of the library's own are
looked up in any case. Other names are code that would be executed: so they are looked up only if the run was trained
here, which the user's state folder remembers (nothing inside the run can say it), or if the user names the folder that
holds the code. A run that was copied, or whose config was changed since, is not the one that was trained here.
"""

import contextlib
import hashlib
import json
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from gan_jax import lookup
from gan_jax.errors import UserError
from gan_jax.files import replacing


def state_folder() -> Path:
    """`$GAN_JAX_STATE`, else `$XDG_STATE_HOME/gan_jax`, else `~/.local/state/gan_jax`."""
    home = os.environ.get("GAN_JAX_STATE") or Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state", "gan_jax")
    return Path(home).expanduser()


def remember(workdir: Path) -> None:
    """Notes that the run in `workdir`, whose config.json is written, was trained here, and where its modules lie.

    That is only if there are any that are not the library's own. If it cannot be noted, it is said, and no more.
    """
    if not lookup.foreign:
        return
    inside = workdir.resolve()
    own = {name: folder for name, folder in modules_in_use().items() if not Path(folder).is_relative_to(inside)}
    order = [str(Path(entry).resolve()) for entry in sys.path]
    note = {
        "workdir": str(inside),
        "config": _fingerprint(workdir),
        "folders": sorted(set(own.values()), key=order.index),
        "modules": sorted(lookup.foreign | own.keys()),
    }
    try:
        path = _note(workdir)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path) as file:
            file.write(json.dumps(note, indent=2).encode())
    except OSError as error:
        print(
            f"{state_folder()} cannot be written ({error.strerror}): to use this run later, name the folder of its "
            f"modules as --code=FOLDER",
            file=sys.stderr,
        )


def trusted(workdir: Path) -> tuple[list[str], list[str]]:
    """The folders and names of the modules of the user's that the run was trained with here; none for other runs."""
    try:
        note = json.loads(_note(workdir).read_bytes())
        same = (note["workdir"], note["config"]) == (str(workdir.resolve()), _fingerprint(workdir))
        return (note["folders"], note["modules"]) if same else ([], [])
    except (OSError, ValueError, KeyError, TypeError):
        return [], []


@contextlib.contextmanager
def trusting(workdir: str | Path, code: Iterable[str | Path] | None = None) -> Iterator[None]:
    """A context in which the run in `workdir` may name the modules that it was trained with here, or those in `code`.

    Any other name of a module that is not the library's own is a UserError in it.

    Args:
        workdir: of a saved run.
        code: folders that the user trusts.

    Raises:
        UserError: there is no such folder.
    """
    trust(code)
    folders, names = trusted(Path(workdir))
    add_to_path(folders)
    with contextlib.nullcontext() if code else lookup.only_the_librarys_own(besides=names):
        yield


def trust(code: Iterable[str | Path] | None) -> None:
    """Lets Python import modules from the folders that --code names.

    Raises:
        UserError: there is no such folder.
    """
    for folder in code or ():
        if not Path(folder).is_dir():
            raise UserError(f"--code={folder}: there is no such folder")
    add_to_path(code or ())


def add_to_path(folders: Iterable[str | Path]) -> None:
    """Lets Python import modules from folders, after all others."""
    for folder in folders:
        if (entry := str(Path(folder).resolve())) not in sys.path:
            sys.path.append(entry)


def modules_in_use() -> dict[str, str]:
    """{name: entry of `sys.path`} of all modules that were imported, but for Python's own and installed ones."""
    installed = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    installed |= {*site.getsitepackages(), site.getusersitepackages()}
    entries = {str(Path(entry).resolve()) for entry in sys.path}
    entries = {entry for entry in entries if not any(Path(entry).is_relative_to(folder) for folder in installed)}
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.partition(".")[0] not in ("gan_jax", "__main__"):
            parts = name.count(".") + (Path(file).stem == "__init__")
            *_, entry = [str(folder) for folder in Path(file).resolve().parents][: parts + 1]
            found |= {name: entry} if entry in entries else {}
    return found


def _note(workdir: Path) -> Path:
    name = hashlib.sha256(str(workdir.resolve()).encode()).hexdigest()[:32]
    return state_folder() / "own_code" / f"{name}.json"


def _fingerprint(workdir: Path) -> str:
    return hashlib.sha256((workdir / "config.json").read_bytes()).hexdigest()
