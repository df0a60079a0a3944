"""Makes a checkout ready to build: checks the machine and brings libtorch to `.libtorch`.

libtorch comes out of the PyPI wheel of PyTorch, fetched by pip, so that mirrors, proxies and certificates work as they
do for any package. It is unpacked once a user, under the cache folder; `.libtorch` is a link to it.
A person's own `LIBTORCH` is checked and left alone. Done before, it returns at once.
"""

import contextlib
import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

VERSION = "2.11.0"  # The one that tch 0.24 takes.
RUST = (1, 95)

# `libtorch_cpu.so` needs the two CUDA libraries even on a machine without a GPU.
REQUIREMENTS = [f"torch=={VERSION}", "nvidia-cuda-runtime>=13,<13.1", "nvidia-cuda-cupti>=13,<13.1"]

# The wheels hold the same libraries for every Python, so the running one does not matter.
WHEEL_TAGS = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311", "--abi=none"] + [
    f"--platform=manylinux{tag}_x86_64" for tag in ("_2_28", "_2_25", "_2_24", "_2_17", "2014")
]

# Where each library lies in its wheel.
LIBRARIES = {
    "libtorch_cpu.so": "torch/lib/libtorch_cpu.so",
    "libc10.so": "torch/lib/libc10.so",
    "libgomp.so.1": "torch/lib/libgomp.so.1",
    "libcudart.so.13": "nvidia/cu13/lib/libcudart.so.13",
    "libcupti.so.13": "nvidia/cu13/lib/libcupti.so.13",
}

# The wheel's own `libtorch.so` needs the CUDA half of libtorch; this linker script in its place does not.
LIBTORCH_SO = "INPUT(libtorch_cpu.so)\n"

NEEDED_BYTES = 1_500_000_000

ROOT = Path(__file__).resolve().parent.parent
LINK = ROOT / ".libtorch"


class SetupError(Exception):
    """What is wrong, and what the person can do about it."""

    def __init__(self, message, *help_lines):
        super().__init__(message)
        self.help_lines = help_lines


def main():
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sr-pipe"
    managed = cache / f"libtorch-{VERSION}"
    own = os.environ.get("LIBTORCH")
    if own and Path(own).resolve() != managed.resolve():
        check_libtorch(Path(own), f"`LIBTORCH` (`{own}`)", "unset it")
        check_tools()
    elif LINK.is_dir() and not LINK.is_symlink():
        check_libtorch(LINK, f"the folder `{LINK}`", "remove it")
        check_tools()
    elif not (is_whole(managed) and is_link_to(managed)):
        check_platform()
        check_tools()
        with locked(cache):
            if not is_whole(managed):
                install(cache, managed)
        link(managed)
        say(f"libtorch {VERSION} is ready in {managed}")


# ---- The machine.


def check_platform():
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise SetupError(
            f"libtorch is fetched for Linux on x86-64 only, and this is {platform.system()} on {platform.machine()}",
            f"install libtorch {VERSION} yourself and set `LIBTORCH` to its folder",
        )


def check_tools():
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "").split() or ["c++"])[:1] + ["c++"]):
        raise SetupError("no C++ compiler was found", "on Debian: `apt install g++`")
    if not shutil.which("cargo"):
        raise SetupError(
            "`cargo` was not found",
            "install Rust from https://rustup.rs, then open a new shell or run `. ~/.cargo/env`",
        )
    if shutil.which("rustup"):
        return  # rustup fetches the toolchain that rust-toolchain.toml names.
    answer = subprocess.run(["cargo", "--version"], cwd=ROOT, capture_output=True, text=True)
    found = re.search(r"(\d+)\.(\d+)", answer.stdout)
    if found and tuple(map(int, found.groups())) < RUST:
        raise SetupError(
            f"`{answer.stdout.strip()}` is too old: Rust {RUST[0]}.{RUST[1]} or later is needed",
            "install Rust from https://rustup.rs; it then fetches the right version by itself",
        )


# ---- A libtorch that is there already.


def check_libtorch(folder, name, remove):
    """Fails unless `folder` holds libtorch in the version that tch takes."""
    way_out = f"point it to libtorch {VERSION}, or {remove} and run this again: libtorch is then fetched"
    if not (folder / "lib/libtorch.so").exists() or not (folder / "include").is_dir():
        raise SetupError(f"{name} has no `lib/libtorch.so` and `include`, so it is no libtorch", way_out)
    version = version_of(folder)
    if version is None:
        say(f"warning: {name} does not tell its version; {VERSION} is needed")
    elif version.split("+")[0] != VERSION:
        raise SetupError(f"{name} is libtorch {version}, and {VERSION} is needed", way_out)


def version_of(folder):
    """The version of a libtorch folder or of an installed Python torch, None when no file tells it."""
    headers = ["include/torch/headeronly/version.h", "include/torch/csrc/api/include/torch/version.h"]
    places = [("build-version", r"^\s*(\S+)"), ("version.py", r"__version__ = '([^']+)'")]
    places += [(header, r'TORCH_VERSION\s*\\?\s*"([^"]+)"') for header in headers]
    for file, pattern in places:
        with contextlib.suppress(OSError):
            found = re.search(pattern, (folder / file).read_text(encoding="utf-8"))
            if found:
                return found.group(1)
    return None


def is_whole(folder):
    """Whether the stamp, which is written last, is there and each file has the size that it names."""
    try:
        sizes = json.loads((folder / "stamp.json").read_text(encoding="utf-8"))["sizes"]
        return all((folder / file).stat().st_size == size for file, size in sizes.items())
    except (OSError, ValueError, KeyError):
        return False


# ---- Fetching it.


@contextlib.contextmanager
def locked(cache):
    """Holds the lock of the cache folder: a second set-up waits for the first and then finds its work done."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "setup.lock").open("w")
    except OSError as error:
        raise SetupError(f"cannot write to `{cache}`: {error.strerror}", "set `XDG_CACHE_HOME` to another folder")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(cache, managed):
    wheels, part = cache / "wheels", cache / "libtorch.part"
    free = shutil.disk_usage(cache).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"`{cache}` has {free / 1e9:.1f} GB left, and fetching libtorch needs {NEEDED_BYTES / 1e9:.1f} GB",
            "free some space, or set `XDG_CACHE_HOME` to a folder on a larger disk",
        )
    files = readable_wheels(wheels)
    if files is None:
        download(cache, wheels)
        files = readable_wheels(wheels)
        if files is None:
            raise SetupError(f"the wheels in `{wheels}` do not hold libtorch {VERSION}", "does a mirror serve others?")
    say("unpacking libtorch")
    shutil.rmtree(part, ignore_errors=True)
    unpack(files, part)
    if managed.exists():
        shutil.rmtree(managed)
    part.rename(managed)
    shutil.rmtree(wheels)


def readable_wheels(folder):
    """What each wheel in the folder holds, or None unless together they hold every library."""
    files = {}
    for wheel in sorted(folder.glob("*.whl")):
        try:
            with zipfile.ZipFile(wheel) as archive:
                files[wheel] = archive.namelist()
        except (OSError, zipfile.BadZipFile):
            return None
    names = {name for held in files.values() for name in held}
    right_version = any(wheel.name.startswith(f"torch-{VERSION}") for wheel in files)
    return files if right_version and names.issuperset(LIBRARIES.values()) else None


def unpack(files, part):
    """Takes out the headers and the libraries, and writes the stamp last."""
    places = {inside: f"lib/{name}" for name, inside in LIBRARIES.items()}
    for wheel, names in files.items():
        with zipfile.ZipFile(wheel) as archive:
            for name in names:
                place = places.get(name)
                if name.startswith("torch/include/") and not name.endswith("/"):
                    place = name[len("torch/") :]
                elif re.fullmatch(r"[^/]+\.dist-info/(licenses/)?LICENSE(\.txt)?", name, re.IGNORECASE):
                    place = f"licenses/{wheel.name.split('-')[0]}"
                if place:
                    target = part / place
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(name) as source, target.open("wb") as copy:
                        shutil.copyfileobj(source, copy, 1 << 20)
    (part / "lib/libtorch.so").write_text(LIBTORCH_SO, encoding="utf-8")
    (part / "build-version").write_text(VERSION, encoding="utf-8")
    libraries = [f"lib/{name}" for name in [*LIBRARIES, "libtorch.so"]]
    sizes = {file: (part / file).stat().st_size for file in libraries}
    (part / "stamp.json").write_text(json.dumps({"version": VERSION, "sizes": sizes}, indent=1), encoding="utf-8")


def download(cache, wheels):
    """Fetches the wheels with pip into a folder of its own, which becomes `wheels` once all are there."""
    part = cache / "wheels.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(wheels, ignore_errors=True)
    (part / "tmp").mkdir(parents=True)
    (part / "done").mkdir()
    say(f"fetching libtorch {VERSION} (0.54 GB, once)")
    command = [*pip(), "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"]
    command += [*WHEEL_TAGS, "--dest", str(part / "done"), *REQUIREMENTS]
    # pip's own temporary files stay beside the wheels: /tmp may be small, and the next set-up clears them away.
    environment = {**os.environ, "TMPDIR": str(part / "tmp"), "PIP_REQUIRE_VIRTUALENV": "0"}
    stdout = None if sys.stderr.isatty() and sys.stdout.isatty() else subprocess.DEVNULL
    words = []
    with subprocess.Popen(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True) as process:
        finished = threading.Event()
        if stdout is not None:
            threading.Thread(target=tell_size, args=(part, finished), daemon=True).start()
        try:
            for line in process.stderr:
                words.append(line)
                print(line, end="", file=sys.stderr)
            status = process.wait()
        except BaseException:
            process.terminate()
            raise
        finally:
            finished.set()
    if status != 0:
        shutil.rmtree(part, ignore_errors=True)
        raise download_error("".join(words))
    (part / "done").rename(wheels)
    shutil.rmtree(part)


def pip():
    """A command that runs pip."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip"]
    if shutil.which("pip3"):
        return ["pip3"]
    raise SetupError("Python has no pip", "on Debian: `apt install python3-pip`")


def tell_size(part, finished):
    """Says every few seconds how much has arrived, for logs and pipes, where pip's bar does not show."""
    told = 0
    while not finished.wait(5):
        sizes = {}  # By name: pip copies a whole wheel from its temporary folder to where it is wanted.
        for file in part.rglob("*.whl"):
            with contextlib.suppress(OSError):
                sizes[file.name] = max(file.stat().st_size, sizes.get(file.name, 0))
        size = sum(sizes.values())
        if size > told:
            told = size
            say(f"fetching libtorch: {size / 1e6:.0f} of 544 MB")


def download_error(words):
    if re.search(r"No space left|Errno 28", words):
        return SetupError("the disk is full", "free 1.5 GB, or set `XDG_CACHE_HOME` to a folder on a larger disk")
    no_network = r"ConnectionError|ConnectTimeout|NameResolution|ProxyError|Network is unreachable|Connection refused"
    if re.search(no_network + r"|Temporary failure|Retrying \(|timed out|IncompleteRead|Connection broken", words):
        return SetupError(
            "libtorch could not be fetched: the package index does not answer",
            "check the network, or tell pip about your proxy or mirror (`pip config set global.index-url URL`)",
            f"without a network: set `LIBTORCH` to a folder that holds libtorch {VERSION}",
        )
    return SetupError(
        "pip could not fetch libtorch; it says why above",
        f"try `pip download --no-deps torch=={VERSION}`, or set `LIBTORCH` to a folder that holds libtorch {VERSION}",
    )


# ---- The link.


def is_link_to(managed):
    with contextlib.suppress(OSError):
        return os.readlink(LINK) == str(managed)
    return False


def link(managed):
    """Points `.libtorch` to the folder, in one step."""
    fresh = ROOT / f".libtorch.{os.getpid()}"
    try:
        fresh.symlink_to(managed)
        fresh.replace(LINK)
    except OSError as error:
        raise SetupError(f"cannot make the link `{LINK}`: {error.strerror}")


def say(words):
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        say(f"error: {error}")
        for line in error.help_lines:
            say(f"  help: {line}")
        sys.exit(2)
    except KeyboardInterrupt:
        say("interrupted; run it again to go on")
        sys.exit(130)
    except OSError as error:
        say(f"error: {error}")
        if error.errno == 28:
            say("  help: the disk is full; free 1.5 GB, or set `XDG_CACHE_HOME` to a folder on a larger disk")
        sys.exit(2)
