"""Where pixels lie and what they are worth, as SimpleITK (GDCM) says, one JSON line for each path on
standard input: {"file", "points": [{"column", "row", "patient", "value"}], "spacing", "orientation",
"edges", "diagonal"}.

Spacing is between columns, then between rows. Orientation is three letters, the axes of column, row
and normal. Edges are the letters at the left, right, top and bottom, a second one where the direction is
more than a tenth off its axis. The diagonal is the distance in mm of the first and the last pixel. Needs
the packages of requirements.txt.
"""

import json
import math
import sys

import SimpleITK


def letters(direction):
    """Patient coordinates as DICOM and ITK have them: to the left, to the back, to the head."""
    named = sorted(zip(direction, ("LR", "PA", "HF")), key=lambda pair: -abs(pair[0]))
    shown = [pair[0 if value > 0 else 1] for value, pair in named if abs(value) > 0.1]
    return "".join(shown[:2])


def main():
    for line in sys.stdin:
        path = line.rstrip("\n")
        image = SimpleITK.ReadImage(path)
        columns, rows = image.GetSize()[:2]
        points = []
        for column, row in [(0, 0), (columns - 1, 0), (columns // 3, rows // 2), (columns - 1, rows - 1)]:
            points.append(
                {
                    "column": column,
                    "row": row,
                    "patient": image.TransformIndexToPhysicalPoint((column, row, 0)),
                    "value": image.GetPixel((column, row, 0)),
                }
            )
        orientation = SimpleITK.DICOMOrientImageFilter_GetOrientationFromDirectionCosines(image.GetDirection())
        # Row-major: column k is the direction in which index k grows.
        cosines = image.GetDirection()
        across, down = cosines[0::3], cosines[1::3]
        edges = [letters([sign * c for c in axis]) for axis in (across, down) for sign in (-1, 1)]
        answer = {
            "file": path,
            "points": points,
            "spacing": image.GetSpacing()[:2],
            "orientation": orientation,
            "edges": edges,
            "diagonal": math.dist(points[0]["patient"], points[-1]["patient"]),
        }
        print(json.dumps(answer), flush=True)


main()
