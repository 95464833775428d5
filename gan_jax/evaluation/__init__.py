"""Numbers about samples: pure functions of arrays, whatever made them. docs/evaluation.md says what each can tell."""

from gan_jax.evaluation.density_coverage import density_coverage
from gan_jax.evaluation.frechet_distance import frechet_distance
from gan_jax.evaluation.image_quality import l1, psnr, ssim
from gan_jax.evaluation.inception_score import inception_score
from gan_jax.evaluation.kernel_distance import kernel_distance, polynomial_mmd
from gan_jax.evaluation.mode_coverage import ModeCoverage, class_coverage, mode_coverage
from gan_jax.evaluation.moments import Moments, covariance, merge, moments
from gan_jax.evaluation.nearest_neighbours import nearest_neighbours, neighbours_picture
from gan_jax.evaluation.path_length import path_length, slerp
from gan_jax.evaluation.precision_recall import precision_recall
from gan_jax.evaluation.sliced_wasserstein import sliced_wasserstein

__all__ = [
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
    "slerp",
    "nearest_neighbours",
    "neighbours_picture",
    "sliced_wasserstein",
    "l1",
    "psnr",
    "ssim",
]
