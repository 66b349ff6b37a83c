import numpy as np
import pytest

from duologue.media.patches import LEVEL, STILL, cut, from_jpeg, from_patches, only_changed, to_jpeg, to_patches


def test_patches_fold_and_unfold():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    patches = to_patches(image)
    assert patches.shape == (12, 40, 40, 3) and abs(patches).max() <= 1
    assert np.array_equal(patches[5], to_patches(np.roll(image, (-40, -40), (0, 1)))[0])  # row 1, column 1 in reading order
    assert np.array_equal(from_patches(patches), image)


def test_many_pictures_are_cut_as_one_is():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 120, 160, 3)).astype(np.uint8)
    assert np.array_equal(cut(images)[1, 2].astype(np.float32) * LEVEL - 1, to_patches(images[1, 2]))
    assert cut(images[:0]).shape == (0, 3, 12, 40, 40, 3)


def test_a_jpeg_file_is_nearly_the_picture():
    image = np.zeros((120, 160, 3), np.uint8)
    image[40:80, 60:100] = (255, 0, 128)
    back = from_jpeg(to_jpeg(image, 90))
    assert back.shape == image.shape and abs(back.astype(int) - image).mean() < 4
    assert len(to_jpeg(image, 40)) < len(to_jpeg(image, 90)) < 4000


def test_another_size_is_refused():
    with pytest.raises(ValueError, match=r"120, 160"):
        to_patches(np.zeros((160, 120, 3), np.uint8))


def levels(images, least):
    return [None if image is None else int(image[0, 0, 0]) for image in only_changed(images, least)]


def test_only_what_changed_is_passed_on():
    shown = [np.full((120, 160, 3), level, np.uint8) for level in (50, 52, 54, 60, 60)]
    assert levels(shown, 5) == [50, None, None, 60, None]  # against the last that passed, so that slow changes add up
    assert levels([None, *shown[:2], None], 5) == [None, 50, None, None]
    assert levels(shown, 0) == [50, 52, 54, 60, 60]


def test_a_picture_that_stands_still_comes_again():
    still = levels([np.zeros((120, 160, 3), np.uint8)] * (2 * STILL + 1), 5)
    assert [k for k, level in enumerate(still) if level is not None] == [0, STILL, 2 * STILL]
