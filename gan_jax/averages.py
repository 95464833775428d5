"""Moving averages of the parameters of several half-lives, of which the best is chosen when training is over.

`config.ema.half_life_kimg` is that of the average which is watched and evaluated, `State.ema`. Those of
`config.ema.others_kimg` are a collection, "averages", of each averaged player: {half-life in kimg: parameters}.

Reference: Karras et al. 2024 (EDM2), section 3, where the length of the average is chosen after training too; there its
profile is a power function, here an exponential one.
"""

from collections.abc import Callable
from typing import Any

import optax

from gan_jax.errors import UserError
from gan_jax.game import Game, State
from gan_jax.keys import closest
from gan_jax.schedules import ema_decay

AVERAGES = "averages"


def half_lives(config: Any) -> list[str]:
    """Those of the further averages, in kimg, as they are written in `config.ema.others_kimg`.

    Raises:
        UserError: they are not different positive numbers.
    """
    names = [name.strip() for name in config.ema.others_kimg.split(",")] if config.ema.others_kimg else []
    try:
        numbers = {float(name) for name in names}
    except ValueError:
        numbers = {0.0}
    if len(numbers) < len(names) or min(numbers, default=1.0) <= 0:
        raise UserError(
            f"--config.ema.others_kimg={config.ema.others_kimg}: must be different positive numbers, such as 1,100"
        )
    return names


def begin(state: State, names: list[str]) -> State:
    """A state at its start with further averages, which are the parameters; no arrays are copied."""
    if not names:
        return state
    return _with(state, {player: dict.fromkeys(names, params) for player, params in state.ema.items()})


def keep(play_round: Callable, game: Game, config: Any, images_per_round: int) -> Callable:
    """A round, see `gan_jax.game.make_round`, that moves the further averages too."""
    decays = {name: ema_decay(float(name), config.ema.ramp_up, images_per_round) for name in half_lives(config)}
    if not decays:
        return play_round

    def play(state: State, batch: Any, key: Any, due: tuple[str, ...]) -> tuple[State, dict]:
        after, metrics = play_round(state, batch, key, due)
        moved = {}
        for player in game.averaged:
            new, old = after.variables[player]["params"], state.variables[player][AVERAGES]
            moved[player] = {
                name: optax.incremental_update(new, old[name], 1 - decay(state.step)) for name, decay in decays.items()
            }
        return _with(after, moved), metrics

    return play


def choose(state: State, half_life: str | None) -> State:
    """A state whose `ema` is the average of another half-life, without the others.

    Args:
        state: of a run.
        half_life: as written in its `config.ema.others_kimg`; None: that of `config.ema.half_life_kimg`.

    Raises:
        UserError: the run has no such average.
    """
    own = {player: state.variables[player].get(AVERAGES, {}) for player in state.ema}
    if half_life is not None:
        names = list(next(iter(own.values())))
        if half_life not in names:
            instead = closest(half_life, names) if names else "this run keeps none (--config.ema.others_kimg)"
            raise UserError(f"--half_life={half_life}: no further average has it; {instead}")
        state = state.replace(ema={player: averages[half_life] for player, averages in own.items()})
    left = {
        player: {name: part for name, part in variables.items() if name != AVERAGES}
        for player, variables in state.variables.items()
    }
    return state.replace(variables=left)


def _with(state: State, averages: dict[str, dict[str, Any]]) -> State:
    added = {player: {**state.variables[player], AVERAGES: own} for player, own in averages.items()}
    return state.replace(variables={**state.variables, **added})
