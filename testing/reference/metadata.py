"""Objects in the DICOM JSON model as pydicom writes it, one line {"file", "json"} for each path on
standard input, or {"file", "error"}.

Needs the packages of requirements.txt.
"""

import json
import sys
import warnings

import pydicom

warnings.simplefilter("ignore")


def main():
    for line in sys.stdin:
        path = line.rstrip("\n")
        try:
            data_set = pydicom.dcmread(path, stop_before_pixels=True)
            print(json.dumps({"file": path, "json": data_set.to_json_dict()}), flush=True)
        except Exception as why:  # every file must get its line
            print(json.dumps({"file": path, "error": f"{type(why).__name__}: {why}"}), flush=True)


main()
