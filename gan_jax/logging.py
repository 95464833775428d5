"""What a run logs while it goes on: progress, metrics.jsonl, TensorBoard, sample pictures, curves."""

import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from gan_jax import images
from gan_jax.errors import Diverged
from gan_jax.evaluation.measure import Report, collapse, plain, stamp
from gan_jax.files import replacing


def crossed(interval_kimg: float, images_before: int, images_now: int) -> bool:
    """Whether a multiple of the interval lies in (before, now]."""
    return math.floor(images_now / 1000 / interval_kimg) > math.floor(images_before / 1000 / interval_kimg)


class Log:
    """The log of one run.

    Metrics of a round are read when the next one has been dispatched, so that the device never waits for them.

    Args:
        workdir: of the run; None: nothing is printed or written (by all processes but the first).
        step: rounds played so far. Lines of later rounds, left by a run that was killed, are dropped.
        total_rounds: at the end.
        images_per_round: real images that the discriminator sees.
        interval_kimg: between two lines.
        learning_rates: {player: rounds played -> learning rate}.
        players: {turn: the player that it moves}.
        read: is given the metrics of each round, once they are known.
    """

    def __init__(
        self,
        workdir: Path | None,
        *,
        step: int,
        total_rounds: int,
        images_per_round: int,
        interval_kimg: float,
        learning_rates: dict[str, Callable],
        players: dict[str, str],
        read: Callable[[dict], None] = lambda metrics: None,
    ):
        self.workdir, self.interval_kimg = workdir, interval_kimg
        self.learning_rates, self.players, self.read = learning_rates, players, read
        self.step, self.total_rounds, self.images_per_round = step, total_rounds, images_per_round
        self.pending, self.collected = None, []  # metrics of the round in flight; of those read since the last line
        self.began = None  # (step, time) from which the time left is estimated
        self.timed_from = None  # (step, time) of the last line
        self.evaluated = False
        self.drawn = time.perf_counter()  # when the curves were drawn last, or when there was nothing to draw
        self.bar = None
        if workdir is None:
            return
        (workdir / "samples").mkdir(exist_ok=True)
        path = workdir / "metrics.jsonl"
        kept = [line for line in read_lines(path) if line["step"] <= step] if step else []
        with replacing(path) as file:
            file.writelines(json.dumps(line).encode() + b"\n" for line in kept)
        self.file = path.open("a", buffering=1)
        from tensorboardX import SummaryWriter

        self.board = SummaryWriter(str(workdir / "tensorboard"), purge_step=step + 1 if step else None)
        if sys.stderr.isatty() and all(os.get_terminal_size(sys.stderr.fileno())):  # tqdm hides where a size is 0
            from tqdm import tqdm

            form = "{percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} images [{elapsed}<{remaining}{postfix}]"
            total, initial = total_rounds * images_per_round, step * images_per_round
            self.bar = tqdm(total=total, initial=initial, bar_format=form, unit_scale=True, dynamic_ncols=True)

    def add(self, metrics: dict) -> None:
        """Takes the metrics of the round just dispatched and reads those of the round before."""
        self.flush()
        self.pending = metrics

    def flush(self) -> None:
        """Reads the metrics of the last round dispatched (and so waits for it).

        Raises:
            Diverged: a loss or a gradient is not finite.
        """
        if self.pending is None:
            return
        metrics, self.pending = jax.device_get(self.pending), None
        images_before = self.step * self.images_per_round
        self.step += 1
        for name, value in metrics.items():
            if not np.isfinite(value):
                turn, metric = name.split("/")
                what = f"the {metric.replace('_', ' ')} of player {self.players[turn]!r} (turn {turn!r}) is {value}"
                raise Diverged(f"round {self.step}: {what}")
        self.collected.append(metrics)
        self.read(metrics)
        if self.began is None:  # the first round, which holds the compilation, is not timed
            self.timed_from = self.began = self.step, time.perf_counter()
        if self.bar is not None:
            self.bar.update(self.images_per_round)
        if (
            crossed(self.interval_kimg, images_before, images_before + self.images_per_round)
            or self.step == self.total_rounds
        ):
            self._log_means()

    def _log_means(self) -> None:
        """Logs the means of the metrics since the last line."""
        names = sorted({name for metrics in self.collected for name in metrics})
        means = {name: float(np.mean([m[name] for m in self.collected if name in m])) for name in names}
        rates = {f"{player}/learning_rate": float(of(self.step - 1)) for player, of in self.learning_rates.items()}
        pace, speed = self._pace()
        self._write({**means, **rates, **speed})
        shown = [f"{name.split('/')[0]} loss {value:.3f}" for name, value in means.items() if name.endswith("/loss")]
        shares = {name.split("/")[1]: value for name, value in means.items() if name.endswith("_accuracy")}
        shown += [f"{name.replace('_', ' ')} {value:.2f}" for name, value in shares.items()]
        if self.bar is not None:
            self.bar.set_postfix_str(", ".join([*pace[:1], *shown]))
        else:
            kimg = self.step * self.images_per_round / 1000
            self.log(", ".join([f"{kimg:8.1f} kimg", *pace, *shown]))
        self.collected = []

    def _pace(self) -> tuple[list[str], dict[str, float]]:
        """The speed since the last line and the time left, in words and for metrics.jsonl; nothing if no round has
        been timed, as the first one is not."""
        now, rounds = time.perf_counter(), self.step - self.timed_from[0]
        if not rounds:
            return [], {}
        speed = rounds * self.images_per_round / max(now - self.timed_from[1], 1e-6)
        left = (self.total_rounds - self.step) * (now - self.began[1]) / (self.step - self.began[0])
        self.timed_from = self.step, now
        return [f"{speed:,.0f} img/s", f"{clock(left)} left"], {"images_per_second": round(speed, 1)}

    @contextlib.contextmanager
    def aside(self):
        """What is done in this context does not count as training time."""
        start = time.perf_counter()
        yield
        if self.timed_from is not None:
            self.timed_from = self.timed_from[0], self.timed_from[1] + time.perf_counter() - start

    def _write(self, values: dict[str, float], **notes: str) -> None:
        if self.workdir is None:
            return
        kimg = self.step * self.images_per_round / 1000
        self.file.write(json.dumps({"step": self.step, "kimg": kimg, **values, **notes}) + "\n")
        for name, value in values.items():
            self.board.add_scalar(name, value, self.step)

    def sample(self, picture: np.ndarray, distance: float | None) -> None:
        """Keeps a sample picture, uint8 [H, W, C], and the samples' sliced Wasserstein distance, if there is one."""
        images.save(picture, self.workdir / "samples" / f"{self.step:06}.png")
        self.board.add_image("samples", picture, self.step, dataformats="HWC")
        if distance is not None:
            self._write({"sliced_wasserstein": distance})

    def evaluation(self, report: Report, best: dict) -> None:
        """Logs the numbers of an evaluation and how they were made; compares them with the best round's."""
        selected_by = best["selected_by"]
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in report.results.items())
        self.log(
            f"round {self.step:,}: {numbers}; best {selected_by} {best[selected_by]:.4g} at round {best['step']:,}"
        )
        if sign := collapse(report, best):
            self.log(f"warning: {sign} at round {best['step']:,}: the game may be collapsing")
        for warning in () if self.evaluated else report.warnings:
            self.log(f"warning: {warning}")
        self.evaluated = True
        numbers = {f"evaluation/{name}": value for name, value in plain(report.results).items() if value is not None}
        self._write(numbers, protocol=stamp(report.protocol))

    def draw(self, every: float = 30.0) -> None:
        """Draws curves.png and samples/progress.gif anew if they are so many seconds old, for it takes one itself."""
        if self.workdir is None or time.perf_counter() - self.drawn < every:
            return
        samples = self.workdir / "samples"
        pictures = sorted(samples.glob("[0-9]*.png"), key=lambda path: int(path.stem))
        if pictures:
            images.save_animation(pictures, samples / "progress.gif")
        draw_curves(read_lines(self.workdir / "metrics.jsonl"), self.workdir / "curves.png")
        self.drawn = time.perf_counter()

    def log(self, message: str) -> None:
        """Prints one line, above the bar if there is one."""
        if self.bar is not None:
            self.bar.write(message, file=sys.stderr)
        elif self.workdir is not None:
            print(message, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
        if self.workdir is not None:
            self.file.close()
            self.board.close()
            self.draw(every=0)


def read_lines(path: Path) -> list[dict]:
    """The lines of a metrics.jsonl, up to one that a killed run has cut off."""
    lines = []
    for text in path.read_text().splitlines() if path.exists() else ():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def clock(seconds: float) -> str:
    """75 -> "1:15"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def draw_curves(lines: list[dict], out: Path) -> None:
    """Curves over kimg; where the discriminator classifies half of either sort right, the game is in balance."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = {
        "/loss": "loss",
        "_accuracy": "share that the\ndiscriminator classifies right",
        "/gradient_norm": "gradient norm",
        "evaluation/fid": "Fréchet distance",
        "evaluation/coverage": "coverage",
        "sliced_wasserstein": "sliced Wasserstein\ndistance",
    }
    # What evaluations measure is not what players do, though it may be an accuracy too.
    belongs = lambda name, e: name.endswith(e) and name.startswith("evaluation/") == e.startswith("evaluation/")
    panels = {e: title for e, title in panels.items() if any(belongs(name, e) for line in lines for name in line)}
    if not panels:
        return
    figure = Figure((10, 2.5 * len(panels)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, (ending, title) in zip(rows, panels.items(), strict=True):
        for name in sorted({name for line in lines for name in line if belongs(name, ending)}):
            axes.plot(*zip(*((line["kimg"], line[name]) for line in lines if name in line), strict=True), label=name)
        if ending == "_accuracy":
            axes.axhline(0.5, color="black", linestyle="--", linewidth=1, label="balance")
            axes.set_ylim(0, 1.02)
        axes.set_yscale("log" if ending not in ("/loss", "_accuracy", "evaluation/coverage") else "linear")
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))  # beside it: it hides nothing
    axes.set_xlabel("kimg: thousands of real images shown to the discriminator")
    with replacing(out) as file:
        figure.savefig(file)
