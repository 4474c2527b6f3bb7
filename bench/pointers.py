"""Runs shipped recipes, each in a new store, and writes manifests/releases/<name>.json: version -> release id.

    pointers.py ALIQUOT [RECIPE.toml ...] [OPTION ...]

Recipes: those named, or all of manifests/recipes. Options go to `aliquot run`.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

program, *rest = sys.argv[1:]
named = [pathlib.Path(word) for word in rest if word.endswith(".toml")]
options = [word for word in rest if not word.endswith(".toml")]
for recipe in named or sorted(pathlib.Path("manifests/recipes").glob("*.toml")):
    with tempfile.TemporaryDirectory() as store:
        command = [program, "run", recipe, "--json", "--store", store, *options]
        release = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    path = pathlib.Path("manifests/releases") / f"{release['name']}.json"
    versions = json.loads(path.read_text()) if path.exists() else {}
    versions[release["version"]] = release["release"]
    path.write_text(json.dumps(versions, indent=2) + "\n")
    print(path, release["version"], release["release"])
