"""Numbers about samples: pure functions of arrays, whatever made them. docs/evaluation.md says what each can tell.

What a person asks for by a name is in `metrics` and `features`, a file each.
"""

from gan_jax.evaluation.density_coverage import density_coverage
from gan_jax.evaluation.frechet_distance import frechet_distance
from gan_jax.evaluation.image_quality import l1, psnr, ssim
from gan_jax.evaluation.inception_score import inception_score
from gan_jax.evaluation.kernel_distance import kernel_distance, polynomial_mmd
from gan_jax.evaluation.mode_coverage import ModeCoverage, class_coverage, mode_coverage
from gan_jax.evaluation.moments import Moments, covariance, merge, moments
from gan_jax.evaluation.nearest_neighbors import nearest_neighbors, neighbors_picture
from gan_jax.evaluation.path_length import path_length
from gan_jax.evaluation.precision_recall import precision_recall
from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein
from gan_jax.keys import SIZES, Key

KEYS = {
    "features": Key(
        "auto",
        "by which samples are compared: none (nothing is evaluated while training), points, pixels, classifier[:FILE], "
        "inception[:FILE], inception_clean[:FILE], efficientnet[:FILE] or a module of yours; auto: what fits the data "
        "without a download",
    ),
    "metrics": Key(
        "watched", "names separated by commas, or auto (all that are possible but the slow ones), all, watched (few)"
    ),
    "num": Key(10_000, "samples", 1, SIZES),
    "source": Key(
        "",
        "examples to compare samples with, or to translate, as data.source; else (those held out, else) the run's own",
    ),
}

__all__ = [
    "KEYS",
    "Moments",
    "moments",
    "merge",
    "covariance",
    "frechet_distance",
    "kernel_distance",
    "polynomial_mmd",
    "inception_score",
    "precision_recall",
    "density_coverage",
    "ModeCoverage",
    "mode_coverage",
    "class_coverage",
    "path_length",
    "nearest_neighbors",
    "neighbors_picture",
    "sliced_wasserstein",
    "l1",
    "psnr",
    "ssim",
]
