"""Where pixels lie and what they are worth, as SimpleITK (GDCM) says, one JSON line for each path on
standard input: {"file", "points": [{"column", "row", "patient", "value"}], "spacing", "orientation"}.

Spacing is between columns, then between rows. Orientation is three letters, the axes of column, row
and normal. Needs the packages of requirements.txt.
"""

import json
import sys

import SimpleITK


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
        letters = SimpleITK.DICOMOrientImageFilter_GetOrientationFromDirectionCosines(image.GetDirection())
        print(
            json.dumps({"file": path, "points": points, "spacing": image.GetSpacing()[:2], "orientation": letters}),
            flush=True,
        )


main()
