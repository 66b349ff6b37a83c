"""A client's picture to what the model sees."""

import io

import av
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from duologue.media.recording import letterbox
from duologue.server.faults import Fault

MOST_PIXELS = 1920 * 1088
FORMATS = ("JPEG", "PNG", "WEBP")


def decode_picture(data: bytes) -> np.ndarray:
    """RGB uint8 [PICTURE_HEIGHT, PICTURE_WIDTH, 3]. Raises Fault for what is no picture, or one too large to decode in time."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Fault("invalid_image", f"a picture of {image.width}x{image.height} is too large; 1920x1080 is enough")
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Fault("invalid_image", f"cannot read the picture ({str(error)[:100]}); send {', '.join(FORMATS)}") from None
    return letterbox(av.VideoFrame.from_image(upright))
