"""Stored values as pydicom and its codecs read them, one JSON line for each frame.

Reads "FILE [FRAME FRAME ...]" lines from standard input, frames counted from 0, all frames if none is
named. Prints {"file", "frame", "sha256", "shown", "rows", "columns", "samples", "bits", "signed"} with the
first hash over little endian samples, samples of a pixel beside each other, masked to Bits Stored, and
the second over the colors as they are shown (null for gray); or {"file", "error"} where pydicom gives no pixels.

Needs the packages of requirements.txt, and dcmtk's dcmdjpeg for JPEG of 12 bits.
"""

import hashlib
import json
import sys
import warnings

import numpy
import pydicom
from pydicom.pixels import apply_color_lut, convert_color_space, get_decoder

warnings.simplefilter("ignore")

JPEG_DCT = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}


def dct_samples(data_set, path, frame):
    """JPEG of 8 bits by libjpeg-turbo, of 12 bits by dcmtk. The standard leaves the last bit of a
    decoder open; both follow the Independent JPEG Group's arithmetic."""
    import io

    from PIL import Image, UnidentifiedImageError
    from pydicom.encaps import get_frame

    encoded = get_frame(data_set.PixelData, frame, number_of_frames=int(data_set.get("NumberOfFrames", 1) or 1))
    try:
        image = Image.open(io.BytesIO(encoded))
    except UnidentifiedImageError:
        return dcmtk_samples(path, frame), str(data_set.PhotometricInterpretation)
    # Pillow converts luminance and chrominance to RGB unless it is asked for the file's own mode. A
    # file whose Adobe segment says RGB has no other mode.
    is_rgb = image.info.get("adobe_transform") == 0
    if image.mode == "RGB" and not is_rgb:
        image.draft("YCbCr", None)
    return numpy.asarray(image), "RGB" if is_rgb else str(data_set.PhotometricInterpretation)


def dcmtk_samples(path, frame):
    import os
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "plain.dcm")
        subprocess.run(["dcmdjpeg", "+cn", path, plain], check=True, capture_output=True)
        data_set = pydicom.dcmread(plain)
        array, _ = get_decoder(data_set.file_meta.TransferSyntaxUID).as_array(data_set, index=frame, raw=True)
        return array


def frames_of(data_set, path):
    syntax = str(data_set.file_meta.TransferSyntaxUID)
    decoder = None if syntax in JPEG_DCT else get_decoder(data_set.file_meta.TransferSyntaxUID)

    def frame(index):
        if decoder is None:
            return dct_samples(data_set, path, index)
        array, meta = decoder.as_array(data_set, index=index, raw=True)
        return array, str(meta["photometric_interpretation"])

    return frame


def shown(array, photometric, data_set):
    """Color as it is shown, 8 bits; None for gray and for what pydicom does not convert."""
    if photometric == "PALETTE COLOR":
        colors = apply_color_lut(array, data_set)
        return (colors >> 8).astype("u1") if colors.dtype.itemsize == 2 else colors
    if array.ndim != 3 or array.dtype.itemsize != 1:
        return None
    if photometric.startswith("YBR_FULL"):
        return convert_color_space(array, "YBR_FULL", "RGB")
    return array


def masked(array, data_set):
    allocated = int(data_set.BitsAllocated)
    stored = int(data_set.BitsStored)
    signed = int(data_set.PixelRepresentation) == 1
    bits = max(8, allocated)
    kind = {8: "u1", 16: "<u2", 32: "<u4"}[bits]
    words = array.astype(kind.replace("u", "i"), copy=False).view(kind) if array.dtype.kind == "i" else array.astype(kind)
    if stored < bits and allocated > 1:
        words = words & numpy.array((1 << stored) - 1, dtype=kind)
        if signed:
            sign = numpy.array(1 << (stored - 1), dtype=kind)
            words = ((words ^ sign) - sign).astype(kind)
    return words, bits, signed


def sha256(array):
    return hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest()


def main():
    for line in sys.stdin:
        path, *wanted = line.rstrip("\n").split("\t")
        try:
            data_set = pydicom.dcmread(path, force=True)
            frame = frames_of(data_set, path)
            count = int(data_set.get("NumberOfFrames", 1) or 1)
            for index in [int(w) for w in wanted] or range(count):
                array, photometric = frame(index)
                array, bits, signed = masked(array, data_set)
                color = shown(array, photometric, data_set)
                report = {
                    "file": path,
                    "frame": index,
                    "sha256": sha256(array),
                    "shown": None if color is None else sha256(color),
                    "rows": int(array.shape[0]),
                    "columns": int(array.shape[1]),
                    "samples": int(array.shape[2]) if array.ndim == 3 else 1,
                    "bits": bits,
                    "signed": signed,
                }
                print(json.dumps(report), flush=True)
        except Exception as why:  # every file must get its line
            print(json.dumps({"file": path, "error": f"{type(why).__name__}: {why}"}), flush=True)


main()
