"""Checkpoints by orbax: asynchronous, atomic, the last K kept, and checked when they are read."""

import json
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils

from gan_jax.errors import Diverged, UserError
from gan_jax.files import lock
from gan_jax.game import State


def checksum(tree) -> int:
    """CRC-32 over the bytes of all leaves: orbax itself reads a flipped bit as a number."""
    total = 0
    for leaf in jax.tree.leaves(tree):
        total = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), total)
    return total


def record_checksum(record: dict) -> int:
    """CRC-32 over a record as JSON in one form, but for the key "record_checksum"."""
    plain = json.loads(json.dumps(record))  # as it is read back: names are texts, and tuples lists
    plain.pop("record_checksum", None)
    return zlib.crc32(json.dumps(plain, sort_keys=True).encode())


def describe(tree) -> dict[str, str]:
    """{"path of a leaf": "its type and shape"}"""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): f"{leaf.dtype}{list(leaf.shape)}" for path, leaf in leaves}


class _Damaged(Exception):
    """A checkpoint that is not what was written."""


class Checkpoints:
    """The checkpoints of one run. While they may be written, the folder that they lie in is locked, see `files.lock`.

    Args:
        directory: made if it is not there (unless `read_only`), in a folder that is.
        keep: how many of the newest are kept, besides the best: the one whose step the newest record has as
            record["best"]["step"], if any.
        read_only: nothing is written, moved or tidied up.

    Raises:
        UserError: another process may write them.
    """

    def __init__(self, directory: Path, keep: int = 1, read_only: bool = False):
        self.directory, self.read_only, self.keep, self.best = directory, read_only, keep, None
        self.lock = None if read_only or jax.process_index() else lock(directory.parent)
        options = ocp.CheckpointManagerOptions(
            preservation_policy=self, cleanup_tmp_directories=not read_only, create=not read_only, read_only=read_only
        )
        self.manager = ocp.CheckpointManager(directory.absolute(), options=options)

    def should_preserve(self, checkpoints, *, context) -> list[bool]:
        """What orbax asks after a save, of the checkpoints from the oldest to the newest."""
        del context
        return [i >= len(checkpoints) - self.keep or info.step == self.best for i, info in enumerate(checkpoints)]

    def save(self, state: State, record: dict) -> None:
        """Starts to write `state`, and `record` (anything that JSON can hold) beside it.

        The state may be donated as soon as this returns. A fault of an earlier save is raised here or by `close`.

        Raises:
            Diverged: a player's variables are not finite; nothing is written then.
            UserError: the disk is full, or there is a checkpoint of this round or a later one.
        """
        values = jax.device_get(state)
        for player, own in values.variables.items():
            if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(own)):
                raise Diverged(f"round {int(values.step)}: the variables of player {player!r} are not finite")
        if shutil.disk_usage(self.directory).free < sum(leaf.nbytes for leaf in jax.tree.leaves(values)) + 2**20:
            raise self._disk_full()  # noticed before orbax's threads do, each in its own way
        self.best = record.get("best", {}).get("step")
        record = {**record, "arrays": describe(values), "checksum": checksum(values)}
        record["record_checksum"] = record_checksum(record)
        items = {"state": ocp.args.StandardSave(state), "record": ocp.args.JsonSave(record)}
        if not self._or_user_error(lambda: self.manager.save(int(values.step), args=ocp.args.Composite(**items))):
            raise UserError(f"round {int(values.step)} was not saved: there is already {self.latest()}")

    def restore(self, like: Callable[[dict], State], which: str = "last") -> tuple[State, dict] | None:
        """One checkpoint, as NumPy arrays, and its record; None if there is no checkpoint at all.

        Args:
            like: record -> a state of shapes, see `jax.eval_shape`.
            which: "last", the newest that is whole (damaged ones are reported, and set aside under another name);
                "best", the one that the newest record calls so; or the number of rounds.

        Raises:
            UserError: there is no such checkpoint, it is damaged, or it is of a state of another form.
        """
        if which != "last":
            return self._restore_one(like, which)
        damaged = {}
        for step in sorted(self.manager.all_steps(), reverse=True):
            try:
                found = self._read(step, like)
            except _Damaged as error:
                damaged[step] = str(error).splitlines()[0][:100]
                continue
            self._set_aside(damaged)
            return found
        if damaged:
            reason = next(iter(damaged.values()))
            raise UserError(f"every checkpoint in {self.directory} is damaged ({reason}): choose another --workdir")
        return None

    def _restore_one(self, like, which: str) -> tuple[State, dict] | None:
        steps = self.manager.all_steps()
        if not steps:
            return None
        there = f"{self.directory} has {', '.join(map(str, sorted(steps)))}"
        try:
            if which == "best":
                which = str(self._best_step(like))
            if which not in map(str, steps):
                raise UserError(f"--checkpoint={which}: must be best, last or a step; {there}")
            return self._read(int(which), like)
        except _Damaged as error:
            raise UserError(f"--checkpoint={which}: it is damaged ({error}); {there}") from None

    def _best_step(self, like) -> int:
        _, record = self.restore(like)
        if "best" not in record:
            raise UserError(
                f"--checkpoint=best: {self.directory} is of a run that was not evaluated while it was trained"
            )
        return record["best"]["step"]

    def _read(self, step: int, like) -> tuple[State, dict]:
        record = self._restore(step, record=ocp.args.JsonRestore()).record
        if not isinstance(record, dict) or not {"arrays", "checksum"} <= record.keys():
            raise _Damaged("its record lacks keys")
        if record.get("record_checksum", record_checksum(record)) != record_checksum(record):  # old ones have none
            raise _Damaged("the checksum of its record does not match")
        shapes = like(record)
        if differ := describe(shapes).items() ^ record["arrays"].items():
            names = ", ".join(sorted({name for name, _ in differ})[:3])
            raise UserError(
                f"{self.directory} holds the state of other networks than the code now makes (they differ in {names}, "
                f"...): choose another --workdir"
            )
        empty = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), shapes)
        state = self._restore(step, state=ocp.args.StandardRestore(empty)).state
        if checksum(state) != record["checksum"]:
            raise _Damaged("its checksum does not match")
        return state, record

    def _restore(self, step: int, **items):
        try:
            return self.manager.restore(step, args=ocp.args.Composite(**items))
        except (PermissionError, MemoryError) as error:
            raise UserError(f"checkpoint {self.directory / str(step)} cannot be read ({error})") from None
        except Exception as error:  # orbax, tensorstore and JSON each have their own for what they cannot read
            raise _Damaged(error) from error

    def _set_aside(self, damaged: dict[int, str]) -> None:
        for step, reason in damaged.items():
            folder = self.directory / str(step)
            print(f"checkpoint {folder} is damaged ({reason}): using the one before", file=sys.stderr)
            if not self.read_only and jax.process_index() == 0:
                folder.rename(folder.with_name(f"damaged_{step}"))
        if damaged and not self.read_only:
            if jax.process_count() > 1:
                multihost_utils.sync_global_devices("damaged checkpoints set aside")
            self.manager.reload()

    def latest(self) -> str:
        """The newest checkpoint, for messages."""
        step = self.manager.latest_step()
        return "none" if step is None else f"step {step} in {self.directory}"

    def close(self) -> None:
        """Waits until the last save is on the disk."""
        self._or_user_error(self.manager.wait_until_finished)
        self.manager.close()
        if self.lock:
            self.lock.close()

    def _or_user_error(self, write: Callable) -> Any:
        try:
            return write()
        except Exception as error:
            if "No space left" in str(error) or "quota" in str(error):
                raise self._disk_full() from None
            raise

    def _disk_full(self) -> UserError:
        return UserError(
            f"the disk is full: no checkpoint could be written to {self.directory}; make room and run the same command "
            f"again (last good checkpoint: {self.latest()})"
        )
