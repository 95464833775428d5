"""Checkpoints by orbax: asynchronous, atomic, the last K kept, and checked when they are read."""

import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp

from gan_jax.errors import Diverged, UserError
from gan_jax.game import State


def checksum(tree) -> int:
    """CRC-32 over the bytes of all leaves: orbax itself reads a flipped bit as a number."""
    total = 0
    for leaf in jax.tree.leaves(tree):
        total = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), total)
    return total


class Checkpoints:
    """The checkpoints of one run.

    Args:
        directory: made if it is not there (unless `read_only`).
        keep: how many of the newest are kept.
        read_only: nothing is written or tidied up.
    """

    def __init__(self, directory: Path, keep: int = 1, read_only: bool = False):
        self.directory = directory
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep, cleanup_tmp_directories=not read_only, create=not read_only, read_only=read_only
        )
        self.manager = ocp.CheckpointManager(directory.absolute(), options=options)

    def save(self, state: State, record: dict) -> None:
        """Starts to write `state`, and `record` (anything that JSON can hold) beside it.

        The state may be donated as soon as this returns. A fault of an earlier save is raised here or by `close`.

        Raises:
            Diverged: a player's variables are not finite; nothing is written then.
            UserError: the disk is full.
        """
        values = jax.device_get(state)
        for player, own in values.variables.items():
            if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(own)):
                raise Diverged(f"round {int(state.step)}: the variables of player {player!r} are not finite")
        record = {**record, "checksum": checksum(values)}
        items = {"state": ocp.args.StandardSave(state), "record": ocp.args.JsonSave(record)}
        self._or_user_error(lambda: self.manager.save(int(state.step), args=ocp.args.Composite(**items)))

    def restore(self, like: Callable[[dict], State]) -> tuple[State, dict] | None:
        """The newest checkpoint that is whole, as NumPy arrays, and its record; None if there is no checkpoint at all.

        Args:
            like: record -> a state of shapes, see `jax.eval_shape`.

        Raises:
            UserError: all of them are damaged.
        """
        steps = sorted(self.manager.all_steps(), reverse=True)
        for step in steps:
            try:
                found = self._read(step, like)
            except UserError:
                raise
            except Exception as error:  # orbax, tensorstore and JSON each have their own
                reason = str(error).splitlines()[0][:100]
                print(
                    f"checkpoint {self.directory / str(step)} is damaged ({reason}); trying the one before",
                    file=sys.stderr,
                )
                continue
            for damaged in (s for s in steps if s > step):
                self.manager.delete(damaged)
            return found
        if steps:
            raise UserError(f"every checkpoint in {self.directory} is damaged: remove the folder to start anew")
        return None

    def _read(self, step: int, like) -> tuple[State, dict]:
        record = self.manager.restore(step, args=ocp.args.Composite(record=ocp.args.JsonRestore())).record
        shapes = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), like(record))
        restored = self.manager.restore(step, args=ocp.args.Composite(state=ocp.args.StandardRestore(shapes)))
        if checksum(restored.state) != record["checksum"]:
            raise ValueError("its checksum does not match")
        return restored.state, record

    def latest(self) -> str:
        """The newest checkpoint, for messages."""
        step = self.manager.latest_step()
        return "none" if step is None else f"step {step} in {self.directory}"

    def close(self) -> None:
        """Waits until the last save is on the disk."""
        self._or_user_error(self.manager.wait_until_finished)
        self.manager.close()

    def _or_user_error(self, write: Callable) -> None:
        try:
            write()
        except Exception as error:
            if "No space left" in str(error) or "quota" in str(error):
                raise UserError(
                    f"the disk is full: no checkpoint could be written to {self.directory}; make room and run the same "
                    f"command again (last good checkpoint: {self.latest()})"
                ) from None
            raise
