"""Games: networks wired to losses, nothing else.

Each module has `make_game(config, image_shape, num_classes) -> gan_jax.game.Game`. A config names it by
`config.game`: a module of this package, or with dots any module that Python can import.
"""
