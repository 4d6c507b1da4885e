#!/bin/sh
# What the tests need from the machine: a Chromium, a font that has Japanese, so that screenshots show it, and gettext,
# so that no text goes untranslated.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || missing="chromium"
if ! command -v fc-list >/dev/null 2>&1 || [ -z "$(fc-list :lang=ja family)" ]; then
    missing="$missing fonts-ipafont-gothic fontconfig"
fi
command -v xgettext >/dev/null 2>&1 || missing="$missing gettext"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    echo "Installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # one word a package
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi

echo "The tests need: $missing" >&2
echo "On Debian or Ubuntu: sudo apt-get install $missing" >&2
echo "Elsewhere: a chromium and xgettext on the PATH and any font with Japanese, then run make test again." >&2
exit 1
