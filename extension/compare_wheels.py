"""`python compare_wheels.py ONE TWO`: whether two wheels have the same files, byte for byte. How they are compressed
may differ."""

import sys
import zipfile


def contents(path: str) -> dict[str, bytes]:
    """Return the files by name."""
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def main() -> None:
    one, two = map(contents, sys.argv[1:])
    differing = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
    if differing:
        sys.exit("These files differ: " + ", ".join(differing))


if __name__ == "__main__":
    main()
