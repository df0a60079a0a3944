"""Makes a venv with the programs that `sr-pipe` is measured against: `python3 benches/peers/install.py DIR [data|train]`."""

import subprocess
import sys
import venv
from pathlib import Path

# PyTorch is the version whose libtorch the trainer is built with, so that both run the same kernels. On Linux its wheel
# brings the CUDA libraries along, used or not: some 3 GB to fetch.
PACKAGES = {"data": ["duckdb", "polars", "pandas", "pyarrow"], "train": ["torch==2.11.0", "numpy", "safetensors"]}


def main():
    folder, subject = (sys.argv[1:] + ["data"])[:2] if len(sys.argv) > 1 else (None, None)
    if subject not in PACKAGES or len(sys.argv) > 3:
        sys.exit(f"usage: install.py DIR [{'|'.join(PACKAGES)}]")
    folder, packages = Path(folder), PACKAGES[subject]
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", *packages], check=True)
    listed = subprocess.run([folder / "bin" / "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    names = [package.split("==")[0] for package in packages]
    print("\n".join(line for line in listed.splitlines() if line.split("==")[0] in names))


if __name__ == "__main__":
    main()
