"""Arrays in safetensors files, for the trainers that tests write in Python."""

import array
import json
import struct

CODES = {"I32": "i", "I64": "q", "F32": "f"}


def read(path):
    """Each array of a file, flat."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    arrays = {}
    for name, about in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            arrays[name] = array.array(CODES[about["dtype"]], data[8 + length + begin:8 + length + end])
    return arrays


def write(path, arrays):
    """Writes lists of whole numbers, and lists of rows of floats."""
    header, body = {}, b""
    for name, values in arrays.items():
        rows = bool(values) and isinstance(values[0], list)
        kind, shape = ("F32", [len(values), len(values[0])]) if rows else ("I32", [len(values)])
        part = array.array(CODES[kind], [value for row in values for value in row] if rows else values).tobytes()
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(part)]}
        body += part
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)
