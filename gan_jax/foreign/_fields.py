"""Fields that several formats have. They need JAX, which the list of formats does not."""

from gan_jax.modalities import Field, Fields, image, label


def labeled_images(side: int, channels: int, classes: int) -> Fields:
    """Square images, and their classes, whose names are numbers, if there are any."""
    found = {"image": Field(image.MODALITY, (side, side, channels))}
    return {**found, "label": Field(label.MODALITY, (), tuple(map(str, range(classes))))} if classes else found
