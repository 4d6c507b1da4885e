#!/bin/sh
# What the tests need from the machine: a Chromium, a font that has Japanese, so that screenshots show it, gettext, so
# that no text goes untranslated, VictoriaMetrics, which takes the same writes as InfluxDB, and Caddy, the proxy of
# docker-compose.yml.
set -eu

# InfluxDB's own checker of Flux, where there is an npm: without it, the tests that need it are skipped.
flux="$(dirname "$0")/flux"
if command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1 && [ ! -d "$flux/node_modules" ]; then
    npm ci --prefix "$flux" --ignore-scripts --no-audit --no-fund --silent || echo "tests/flux could not be installed; its tests are skipped" >&2
fi

# Helm is in no Debian; with Go it is built once, into the virtual environment: one and a half minutes of processor. Without
# it, the tests of the chart are skipped.
here="$(cd "$(dirname "$0")/.." && pwd)"
if ! command -v helm >/dev/null 2>&1 && [ ! -x "$here/.venv/bin/helm" ]; then
    if command -v go >/dev/null 2>&1; then
        echo "Building helm"
        GOBIN="$here/.venv/bin" go install -ldflags '-s -w' helm.sh/helm/v3/cmd/helm@v3.22.0 >/dev/null 2>&1 \
            || echo "helm could not be built; the tests of the chart are skipped" >&2
    else
        echo "Neither helm nor Go is here; the tests of the chart are skipped" >&2
    fi
fi

missing=""
# Any Chromium will do. The shell without windows takes less than half of the processor: it is tried for where that costs
# nobody a question.
if ! command -v chromium-headless-shell >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    quickly="-qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10"
    # shellcheck disable=SC2086 # one word an option
    { apt-get update $quickly && apt-get install -y $quickly --no-install-recommends chromium-headless-shell; } >/dev/null 2>&1 || true
fi
command -v chromium-headless-shell >/dev/null 2>&1 || command -v chromium >/dev/null 2>&1 || missing="chromium-headless-shell"
if ! command -v fc-list >/dev/null 2>&1 || [ -z "$(fc-list :lang=ja family)" ]; then
    missing="$missing fonts-ipafont-gothic fontconfig"
fi
command -v xgettext >/dev/null 2>&1 || missing="$missing gettext"
command -v victoria-metrics >/dev/null 2>&1 || missing="$missing victoria-metrics"
command -v caddy >/dev/null 2>&1 || missing="$missing caddy"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    echo "Installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # one word a package
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
    # The tests start their own; the package would have one run beside them.
    for service in victoria-metrics caddy; do
        case "$missing" in
            *"$service"*) systemctl disable --now "$service" >/dev/null 2>&1 || true ;;
        esac
    done
    exit 0
fi

echo "The tests need: $missing" >&2
echo "On Debian or Ubuntu: sudo apt-get install $missing" >&2
echo "Elsewhere: a chromium, xgettext, victoria-metrics and caddy on the PATH and any font with Japanese, then run make test again." >&2
exit 1
