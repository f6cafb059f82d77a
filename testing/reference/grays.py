"""From stored values to grays as pydicom computes them, one JSON line for each file: {"file", "points":
[{"column", "row", "rescaled", "window", "table"}]}.

Writes objects of its own into the folder that is its argument, with what rare files have: look-up tables,
few stored bits with foreign bits above them, sigmoid and exact windows, fractional slopes. Then reports on
them and on each path on standard input, first frame only. "window" is the first window's gray and "table"
that of the first item of the VOI LUT Sequence, both from 0 to 1, or null.

Needs the packages of requirements.txt.
"""

import json
import os
import sys
import warnings

import numpy
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

warnings.simplefilter("ignore")

SIZE = 32


def table(first, bits, entries, signed):
    item = Dataset()
    count = 0 if len(entries) == 65536 else len(entries)
    item.add_new("LUTDescriptor", "SS" if signed else "US", [count, first, bits])
    item.add_new("LUTData", "OW", numpy.array(entries, dtype="<u2").tobytes())
    return item


def made(folder):
    """Writes the odd objects and gives their paths."""
    noise = numpy.random.default_rng(20261128)
    square = [i * i % 4096 for i in range(2000)]
    variants = {
        "u8": (8, 8, 0, {"WindowCenter": 100, "WindowWidth": 90}),
        "i8": (8, 8, 1, {"WindowCenter": -3, "WindowWidth": 90}),
        "u12-overlays": (16, 12, 0, {"WindowCenter": 2047, "WindowWidth": 4095}),
        "i12-overlays": (16, 12, 1, {"WindowCenter": 40, "WindowWidth": 400}),
        "u16": (16, 16, 0, {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 400}),
        "i16-fraction": (16, 16, 1, {"RescaleSlope": "0.372549", "RescaleIntercept": "-1.5", "WindowCenter": 10.25, "WindowWidth": 7000.5}),
        "exact": (16, 12, 0, {"WindowCenter": 2048, "WindowWidth": 1000, "VOILUTFunction": "LINEAR_EXACT"}),
        "sigmoid": (16, 12, 0, {"WindowCenter": 2048, "WindowWidth": 1000, "VOILUTFunction": "SIGMOID"}),
        "voi-negative": (
            16, 12, 0,
            {"RescaleSlope": 1, "RescaleIntercept": -1024, "VOILUTSequence": [table(-1000, 12, square, True)]},
        ),
        "voi-8-bits": (8, 8, 0, {"VOILUTSequence": [table(20, 8, [(i * 7) % 256 for i in range(200)], False)]}),
        "voi-signed-pixels": (16, 16, 1, {"VOILUTSequence": [table(-300, 16, [(i * 97) % 65536 for i in range(600)], True)]}),
        "modality": (
            16, 12, 0,
            {"ModalityLUTSequence": [table(50, 16, [(i * 31) % 65536 for i in range(3000)], False)], "WindowCenter": 30000, "WindowWidth": 40000},
        ),
        "modality-full": (16, 16, 0, {"ModalityLUTSequence": [table(0, 16, [65535 - i for i in range(65536)], False)]}),
        "modality-then-voi": (
            16, 12, 0,
            {
                "ModalityLUTSequence": [table(0, 16, [4095 - i for i in range(4096)], False)],
                "VOILUTSequence": [table(100, 10, [(i * 3) % 1024 for i in range(1000)], False)],
            },
        ),
    }
    for number, (name, (allocated, stored, signed, more)) in enumerate(variants.items()):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = SecondaryCaptureImageStorage
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"1.2.3.4.{number + 1}"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.4"
        ds.Modality = "OT"
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.Rows = ds.Columns = SIZE
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = allocated, stored, stored - 1, signed
        for keyword, value in more.items():
            if keyword.endswith("Sequence") and isinstance(value, list):
                if keyword == "ModalityLUTSequence":
                    value[0].ModalityLUTType = "US"
            setattr(ds, keyword, value)
        # All bits are noise, those above Bits Stored too.
        values = noise.integers(0, 1 << allocated, SIZE * SIZE)
        near = noise.integers(0, 1 << min(stored, 11), SIZE * SIZE)
        values = numpy.where(noise.random(SIZE * SIZE) < 0.5, values, near)
        ds.add_new("PixelData", "OW" if allocated == 16 else "OB", values.astype(f"<u{allocated // 8}").tobytes())
        path = os.path.join(folder, f"{name}.dcm")
        ds.save_as(path, enforce_file_format=True)
        yield path


def stored_values(ds):
    array = ds.pixel_array
    array = array[0] if int(ds.get("NumberOfFrames", 1) or 1) > 1 else array
    bits = int(ds.BitsStored)
    values = array.astype("i8") & ((1 << bits) - 1)
    if int(ds.PixelRepresentation) == 1:
        sign = 1 << (bits - 1)
        values = (values ^ sign) - sign
    return values.astype("i4")


def report(path):
    ds = pydicom.dcmread(path)
    values = stored_values(ds)
    rescaled = apply_modality_lut(values, ds)
    window = shades = None
    if "WindowWidth" in ds:
        far = numpy.array([-1e12, 1e12])
        black, white = apply_windowing(far, ds, index=0)
        window = (apply_windowing(rescaled.astype("f8"), ds, index=0) - black) / (white - black)
    if "VOILUTSequence" in ds:
        bits = int(ds.VOILUTSequence[0].LUTDescriptor[2])
        shades = apply_voi(numpy.floor(rescaled.astype("f8") + 0.5).astype("i8"), ds, index=0) / ((1 << bits) - 1)
    rows, columns = values.shape
    points = []
    step = max(1, rows * columns // 1024) | 1
    for at in range(0, rows * columns, step):
        row, column = divmod(at, columns)
        one = lambda grays: None if grays is None else float(grays[row, column])
        points.append(
            {"column": column, "row": row, "rescaled": one(rescaled), "window": one(window), "table": one(shades)}
        )
    return {"file": path, "points": points}


def main():
    for path in [*made(sys.argv[1]), *(line.rstrip("\n") for line in sys.stdin)]:
        print(json.dumps(report(path)), flush=True)


main()
