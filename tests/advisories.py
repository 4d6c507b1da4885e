"""`python -m tests.advisories`: whether anything that the lock files name has a known hole (pip-audit, from osv.dev).

A known hole fails, unless IGNORED says why it does not concern us. Where the service cannot be reached, it says so and
goes on: nobody's tests fail because of a network. The same where it takes longer than TIMEOUT.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.txt", "requirements-s3.txt", "requirements-dev.txt", "requirements-uv.txt")
TIMEOUT = 180  # seconds for all of them
UNREACHABLE = ("ConnectionError", "Timeout", "SSLError", "ProxyError", "ServiceError", "HTTPError")

# The advisory's id (or one of its other names): why it does not concern us, and until when.
IGNORED: dict[str, str] = {}


def asked(locks: Sequence[str] = LOCKS, *, program: Sequence[str] = ("-m", "pip_audit")) -> tuple[str, str]:
    """What pip-audit says on stdout and on stderr."""
    files = [part for name in locks for part in ("-r", str(ROOT / name))]
    options = ["--require-hashes", "--disable-pip", "--vulnerability-service=osv", "--format=json"]
    command = [sys.executable, *program, *files, *options, "--progress-spinner=off", "--timeout=10"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return "", f"Timeout: no answer within {TIMEOUT} seconds"
    return done.stdout, done.stderr


def verdict(stdout: str, stderr: str, *, ignored: dict[str, str]) -> tuple[bool, list[str]]:
    """Whether all is well, and what to say about it."""
    try:
        packages = json.loads(stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (stderr.strip().splitlines() or ["it said nothing"])[-1][:200]
        if any(word in stderr for word in UNREACHABLE):
            return True, [f"Dependencies were NOT looked up: the advisory service cannot be reached ({reason})."]
        return False, [f"pip-audit failed: {reason}"]
    lines, is_well, used = [], True, set()
    for package in packages:
        for hole in package.get("vulns", []):
            names = {hole["id"], *hole.get("aliases", [])}
            known = f"{package['name']} {package['version']}: {hole['id']}"
            if excused := names & ignored.keys():
                used |= excused
                lines.append(f"{known}, ignored: {ignored[min(excused)]}")
            else:
                is_well = False
                fixed = ", ".join(hole.get("fix_versions", [])) or "no version yet"
                lines.append(
                    f"{known}, mended in {fixed}. Raise it (make lock), or give a reason in tests/advisories.py."
                )
    lines += [f"{name} is ignored and not reported any more: take it out." for name in sorted(ignored.keys() - used)]
    return is_well, lines or [f"No known hole in {len(packages)} packages."]


def main() -> int:
    is_well, lines = verdict(*asked(), ignored=IGNORED)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
