"""When a run stops before its end: evaluations no longer improve, or the discriminator is fooled half of the time.

The second is the sign of the equilibrium of Goodfellow et al. 2014, where D is 1/2 everywhere. It is no sign of
quality: two networks that know nothing are in balance too. benchmarks/stopping.py shows where both would have stopped.
"""

from collections.abc import Mapping
from typing import Any

from gan_jax.errors import UserError
from gan_jax.keys import Key

KEYS = {
    "patience_kimg": Key(
        0.0, "since the best evaluation, after which training stops; 0: it does not", 0, resumable=True
    ),
    "balance_kimg": Key(
        0.0,
        "in which the discriminator is right about half of the real and half of the generated examples, after which "
        "training stops; 0: it does not",
        0,
        resumable=True,
    ),
    "band": Key(0.1, "on either side of a half that still counts as half", 0, 0.5, resumable=True),
}
HALF_LIFE = 1.0  # kimg, of the averages of what the discriminator is right about


def balance(before: Mapping[str, Any], metrics: Mapping[str, float], kimg: float, band: float) -> dict[str, Any]:
    """How long the discriminator has been fooled half of the time, after one more round.

    Args:
        before: what this returned last; {} at first.
        metrics: of the round, {"turn/metric": value}, with "turn/real_accuracy" and "turn/fake_accuracy" of each
            discriminator.
        kimg: thousands of images that the round has shown.
        band: how far from a half the averages of all accuracies may be.

    Returns:
        {"kimg": so long, "shares": {metric: its average}}, of plain numbers.
    """
    kept, decay = before.get("shares", {}), 0.5 ** (kimg / HALF_LIFE)
    found = {
        name: float(value) for name, value in metrics.items() if name.endswith(("/real_accuracy", "/fake_accuracy"))
    }
    shares = {name: decay * kept.get(name, value) + (1 - decay) * value for name, value in found.items()}
    balanced = bool(shares) and all(abs(share - 0.5) <= band for share in shares.values())
    return {"kimg": before.get("kimg", 0.0) + kimg if balanced else 0.0, "shares": shares}


def reason(config: Any, record: Mapping[str, Any], kimg_per_round: float) -> str:
    """Why a run stops; "" if it goes on.

    Args:
        config: `config.stop`, see `KEYS`.
        record: of the run: "best", see `measure.best_so_far`, "evaluated", the round of the last evaluation, and
            "balance", see there.
        kimg_per_round: thousands of images.

    Raises:
        UserError: no discriminator's accuracy is known, by which training shall stop.
    """
    best, balanced = record.get("best"), record.get("balance")
    if config.patience_kimg and best:
        since = (record["evaluated"] - best["step"]) * kimg_per_round
        if since >= config.patience_kimg:
            name = best.get("selected_by", "the evaluation")  # which the first process alone knows
            return f"{name} has not improved for {since:.4g} kimg, since round {best['step']:,}"
    if config.balance_kimg and balanced:
        if not balanced["shares"]:
            raise UserError("--config.stop.balance_kimg: this game has no discriminator whose accuracy is known")
        if balanced["kimg"] >= config.balance_kimg:
            shares = ", ".join(f"{name.replace('_', ' ')} {share:.2f}" for name, share in balanced["shares"].items())
            return f"the discriminator has been fooled half of the time for {balanced['kimg']:.4g} kimg ({shares})"
    return ""
