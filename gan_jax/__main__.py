"""`python -m gan_jax`: the program, see `gan_jax.cli`."""

from gan_jax.cli import main

if __name__ == "__main__":
    main()
