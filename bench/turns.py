"""Calling our programs and reading the lines `NAME VALUE` that they print."""

import subprocess


def figures(*command):
    """What a program prints, as numbers by name."""
    output = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: float(value) for name, value in map(str.split, output.splitlines())}
