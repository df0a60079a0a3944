"""Makes a venv with the programs that `sr-pipe` is measured against: `python3 benches/peers/install.py DIR`."""

import subprocess
import sys
import venv
from pathlib import Path

PACKAGES = ["duckdb", "polars", "pandas", "pyarrow"]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: install.py DIR")
    folder = Path(sys.argv[1])
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", *PACKAGES], check=True)
    listed = subprocess.run([folder / "bin" / "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    print("\n".join(line for line in listed.splitlines() if line.split("==")[0] in PACKAGES))


if __name__ == "__main__":
    main()
