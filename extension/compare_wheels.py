"""`python compare_wheels.py ONE TWO`: whether two wheels have the same files, byte for byte but for one number.

The bundler numbers the module that JupyterLab loads first by the path of the folder that it was built in. The number
is in `remoteEntry`, whose name is a hash of its content; `package.json` and RECORD say that name.
"""

import re
import sys
import zipfile

NAME = re.compile(rb"remoteEntry\.[0-9a-f]+\.js")
NUMBER = re.compile(rb"\b\d+(?=\(\w+,\w+,\w+\)\{var \w+=\{\"\./index\")|(?<=\$\()\d+(?=\))")


def contents(path: str) -> dict[str, bytes]:
    """Return the files by name, without what depends on the folder."""
    found = {}
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            if name.endswith("/RECORD"):
                continue
            content = NAME.sub(b"remoteEntry.js", wheel.read(name))
            if "/remoteEntry." in name:
                content = NUMBER.sub(b"0", content)
            found[NAME.sub(b"remoteEntry.js", name.encode()).decode()] = content
    return found


def main() -> None:
    one, two = map(contents, sys.argv[1:])
    differing = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
    if differing:
        sys.exit("These files differ: " + ", ".join(differing))


if __name__ == "__main__":
    main()
