"""Names in configs become functions and modules here, and only here.

A name is the library's own, or, with dots or not found there, of any module that Python can import. The second sort is
code of somebody's: a run that was only downloaded must not choose what is executed, so names that come from a saved run
are looked up inside `only_the_librarys_own`, unless the user vouches for them (see `gan_jax.own_code`).
"""

import contextlib
import contextvars
import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from gan_jax.errors import UserError
from gan_jax.keys import closest

foreign: set[str] = set()  # names of the modules that were imported and are not the library's own
_allowed = contextvars.ContextVar("allowed", default=None)  # names of foreign modules; None: any


@contextlib.contextmanager
def only_the_librarys_own(besides: Iterable[str] = ()):
    """A context in which a name of anything else is a UserError, and nothing is imported to find that out.

    `besides` are names of modules that may be imported all the same.
    """
    token = _allowed.set(frozenset(besides))
    try:
        yield
    finally:
        _allowed.reset(token)


def modules_of(package: ModuleType) -> list[str]:
    """The names of a package's modules, without importing them."""
    return [module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")]


def lookup(module: ModuleType, name: str, key: str, *others: str) -> Any:
    """What `module` exports under the name that the config's `key` gives; `others` are names dealt with elsewhere.

    Raises:
        UserError: it exports no such name.
    """
    if name not in module.__all__:
        raise UserError(f"--config.{key}={name!r}: no such name; {closest(name, [*others, *module.__all__])}")
    return getattr(module, name)


def import_by_name(package: ModuleType, name: str, key: str, *, member: str) -> Any:
    """`member` of the module `name` of `package`, else of any module of that name that Python can import.

    Raises:
        UserError: there is no such module or member, or it is not the library's own where it must be.
    """
    own = modules_of(package)
    path = f"{package.__name__}.{name}" if name in own else name
    allowed = _allowed.get()
    if path == name and allowed is not None and name not in allowed:
        raise UserError(
            f"--config.{key}={name!r} is not part of gan_jax, and a saved run may not choose what code is executed: "
            f"if you trust it, give the folder that holds it as --code=FOLDER"
        )
    try:
        module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if f"{path}.".startswith(f"{error.name}."):
            raise UserError(f"--config.{key}={name!r}: there is no module {path}; {closest(name, own)}") from None
        raise UserError(
            f"--config.{key}={name!r}: {path} needs the module {error.name}, which is not installed"
        ) from None
    except (TypeError, ValueError):  # "", ".x" or "a..b"
        raise UserError(f"--config.{key}={name!r}: that is no module's name; {closest(name, own)}") from None
    if not hasattr(module, member):
        raise UserError(f"--config.{key}={name!r}: {path} has no {member}")
    if path == name:
        foreign.add(name)
    return getattr(module, member)
