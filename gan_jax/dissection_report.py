"""A dissection as a page for people, and as one picture."""

import base64
import html
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax import images
from gan_jax.files import MARK, __version__, replacing

COLUMNS, ROWS = 6, 3  # pictures in a row, and units of a concept that have one
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .15rem .8rem; text-align: right; border-bottom: 1px solid #ccc; }
td:first-child, th:first-child { text-align: left; } img { image-rendering: pixelated; max-width: 100%; }
"""


class Shown(NamedTuple):
    """Pictures of a concept.

    Attributes:
        name: of the concept.
        effects: {title: uint8 [n, H, W, C]}, before and after.
        units: {title: uint8 [n, H, W, C]}, where units are active.
    """

    name: str
    effects: dict[str, np.ndarray]
    units: dict[str, np.ndarray]


def summary(report: dict[str, Any]) -> str:
    """A few lines for the terminal."""
    lines = []
    if "concepts" in report:
        found = {name: own for name, own in report["concepts"].items() if len(own["units_found"])}
        lines.append(f"{len(found)} of {len(report['concepts'])} concepts have units of their own")
    for name, own in report["effects"].items():
        best = max(own["removed"], key=own["removed"].get)
        random = own["removed_by_random"]["mean"]
        lines.append(
            f"{name:>20}: {len(own['units'][best])} units remove {own['removed'][best]:.0%}, random ones {random:.0%}"
        )
    return "\n".join(lines)


def write(report: dict[str, Any], shown: list[Shown], page: Path, picture: Path) -> None:
    """Writes the page, which needs no other file, and the picture, a row a concept."""
    body = [f"<h1>{html.escape(report['run']['workdir'])}, layer {html.escape(report['layer'])}</h1>", _about(report)]
    if "concepts" in report:
        body.append(_concepts(report["concepts"]))
    if report["effects"]:
        body.append(_effects(report["effects"]))
    for each in shown:
        body.append(f"<h2>{html.escape(each.name)}</h2>")
        body += [_figure(title, pictures) for title, pictures in {**each.units, **each.effects}.items()]
        if inserted := report["effects"][each.name].get("inserted"):
            body += [_insertions(each.name, ranking, own) for ranking, own in inserted.items()]
    if "artefacts" in report:
        body.append(_artefacts(report["artefacts"]))
    title = f"<title>Units of {html.escape(report['run']['workdir'])}</title>"
    head = f'<meta charset="utf-8"><meta name="generator" content="{MARK} {__version__}">{title}<style>{STYLE}</style>'
    with replacing(page) as file:
        file.write(f"<!doctype html>{head}{''.join(body)}\n".encode())
    images.save(sheet(shown), picture, mark=True)


def sheet(shown: list[Shown]) -> np.ndarray:
    """All concepts in one picture, uint8 [H, W, C]: where the best unit is active, and what the units cause."""
    if not shown:
        return images.text("no concept has units of its own").repeat(3, axis=2)
    rows = []
    for each in shown:
        parts = dict([*list(each.units.items())[:1], *each.effects.items()])
        strips = {f"{each.name}: {title}": _strip(pictures) for title, pictures in parts.items()}
        rows.append(images.titled_sheet({title: strip[None] for title, strip in strips.items()}))
    width = max(row.shape[1] for row in rows)
    return np.concatenate([images.centered(row, row.shape[0], width) for row in rows])


def _strip(pictures: np.ndarray) -> np.ndarray:
    return images.grid(pictures, len(pictures))


def _figure(title: str, pictures: np.ndarray) -> str:
    from PIL import Image

    file = io.BytesIO()
    strip = _strip(pictures)
    Image.fromarray(strip[..., 0] if strip.shape[-1] == 1 else strip).save(file, "png")
    source = base64.b64encode(file.getvalue()).decode()
    return f'<p>{html.escape(title)}<br><img alt="{html.escape(title)}" src="data:image/png;base64,{source}"></p>'


def _about(report: dict[str, Any]) -> str:
    height, width, units = report["shape"]
    protocol = report["protocol"]
    return (
        f"<p>{units} units of {height}x{width} places, round {report['run']['round']:,}. Concepts: "
        f"{html.escape(protocol['concepts'])}, {protocol['samples']:,} samples, seed {protocol['seed']}.</p>"
    )


def _concepts(concepts: dict[str, dict]) -> str:
    rows = [
        (name, f"{own['share_of_pixels']:.1%}", own["best_unit"], f"{own['best_iou']:.3f}", f"{own['null_iou']:.3f}",
         f"{own['best_quality']:.3f}", len(own["units_found"]))
        for name, own in sorted(concepts.items(), key=lambda item: -item[1]["best_iou"])
    ]  # fmt: skip
    head = ("concept", "of all pixels", "best unit", "IoU", "null IoU", "information", "units found")
    return (
        "<h2>Where units are active</h2><p>Thresholds were chosen on other samples. The null is the largest IoU of any "
        f"unit with the masks of other samples.</p>{_table(head, rows)}"
    )


def _effects(effects: dict[str, dict]) -> str:
    rankings = list(dict.fromkeys(ranking for own in effects.values() for ranking in own["removed"]))
    random = lambda own: f"{own['mean']:.0%} ± {own['deviation']:.0%}"
    rows = [
        (name, f"{own['amount']:.2%}", *(f"{own['removed'][ranking]:.0%}" for ranking in rankings),
         random(own["removed_by_random"]))
        for name, own in effects.items()
    ]  # fmt: skip
    head = ("concept", "amount", *(f"removed by {ranking}" for ranking in rankings), "removed by random units")
    return f"<h2>What is gone without them</h2>{_table(head, rows)}"


def _insertions(concept: str, ranking: str, contexts: dict[str, dict]) -> str:
    rows = [
        (name, own["places"], f"{own['came']:.0%}", f"{own['rise']:+.1%}")
        for name, own in sorted(contexts.items(), key=lambda item: -item[1]["came"])
    ]
    head = (f"{concept} inserted (units by {ranking}) where there was", "places", "it came", "mean rise of its share")
    return _table(head, rows)


def _artefacts(own: dict[str, Any]) -> str:
    return (
        f"<h2>Artefact units</h2><p>Fréchet distance ({html.escape(own['features'])}) from {html.escape(own['real'])}: "
        f"{own['before']:.2f}; without the units {', '.join(map(str, own['units']))}: {own['after']:.2f}; without as "
        f"many random units: {own['random']:.2f}.</p>"
    )


def _table(head: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    line = lambda cells, tag: "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"
