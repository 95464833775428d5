"""What gan_jax 0.1.0 wrote into the config and the records of the tiny experiment."""

OPTIMIZER = {
    "name": "adam", "learning_rate": 2e-4, "b1": 0.5, "b2": 0.999, "eps": 1e-8, "clip_norm": 0.0, "clip_weights": 0.0,
    "decay": "constant", "hold_kimg": 0.0, "decay_kimg": 0.0, "final": 0.0, "orthogonal": 0.0,
}  # fmt: skip
MLP = {"name": "mlp", "width": 8, "depth": 2, "norm": "none"}
CONFIG = {
    "game": "adversarial", "seed": 0, "batch_size": 16, "micro_batches": 1, "dtype": "float32", "remat": False,
    "total_kimg": 0.16, "ema": {"half_life_kimg": 10.0, "ramp_up": 0.05}, "log_kimg": 0.08, "sample_kimg": 0.08,
    "eval_kimg": 50.0, "checkpoint_kimg": 0.08, "keep_checkpoints": 3,
    "labels": "ignore", "loss": "non_saturating", "n_critic": 1, "generator_batch": 1, "pac": 1,
    "penalty": {"name": "none", "weight": 1.0, "every": 1, "final": 1.0, "decay_kimg": 0.0},
    "generator_loss": {"adversarial": 1.0, "feature_matching": 0.0},
    "top_k": {"share": 1.0, "decay_kimg": 0.0},
    "consistency": {"real": 0.0, "fake": 0.0, "latent": 0.0, "diversity": 0.0, "sigma": 0.03, "flip": True},
    "lecam": {"weight": 0.0, "decay": 0.99},
    "augment": {"name": "none", "policy": "color,translation,cutout", "target": 0.6, "p": 0.0, "speed_kimg": 500.0},
    "auxiliary": {"discriminator": 1.0, "generator": 1.0},
    "info": {"categories": 0, "continuous": 0, "weight": 1.0},
    "networks": {"latent_size": 4, "generator": MLP, "discriminator": MLP},
    "optimizers": {"generator": OPTIMIZER, "discriminator": OPTIMIZER},
    "data": {
        "source": "ring", "image_size": "native", "fit": "crop", "skip_broken": False, "resident_mb": 1024,
        "labelled": 0, "held_out": 0.0, "split_seed": 0, "pair": "none", "inputs": "", "paired": True, "task": "none",
        "factor": 4, "jitter": 0, "crop": 0, "flip": False,
    },
    "evaluation": {"features": "none", "metrics": "watched", "num": 10_000, "source": ""},
}  # fmt: skip
RECORD = {"num_images": 100_000, "image_shape": [2], "num_classes": 8}
