#!/bin/sh
# What the tests need from the machine: a Chromium, a font that has Japanese, so that screenshots show it, gettext, so
# that no text goes untranslated, and VictoriaMetrics, which takes the same writes as InfluxDB.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || missing="chromium"
if ! command -v fc-list >/dev/null 2>&1 || [ -z "$(fc-list :lang=ja family)" ]; then
    missing="$missing fonts-ipafont-gothic fontconfig"
fi
command -v xgettext >/dev/null 2>&1 || missing="$missing gettext"
command -v victoria-metrics >/dev/null 2>&1 || missing="$missing victoria-metrics"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    echo "Installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # one word a package
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
    # The tests start their own; the package would have one run beside them.
    case "$missing" in
        *victoria-metrics*) systemctl disable --now victoria-metrics >/dev/null 2>&1 || true ;;
    esac
    exit 0
fi

echo "The tests need: $missing" >&2
echo "On Debian or Ubuntu: sudo apt-get install $missing" >&2
echo "Elsewhere: a chromium, xgettext and victoria-metrics on the PATH and any font with Japanese, then run make test again." >&2
exit 1
