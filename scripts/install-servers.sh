#!/usr/bin/env bash
# Installs the real servers and tools that the tests run against, where they are missing.
#
# They are only installed, not started: tests start what they need on free ports. Does
# nothing, quickly, when all is there.
set -euo pipefail

# package: a command that it brings
declare -A commands=(
    [chromium]=chromium
    [dbus-daemon]=dbus-daemon
    [fping]=fping
    [postgresql]=pg_ctl
    [prometheus]=prometheus
    [prometheus-alertmanager]=prometheus-alertmanager
    [prometheus-blackbox-exporter]=prometheus-blackbox-exporter
    [prometheus-node-exporter]=prometheus-node-exporter
    [prometheus-smokeping-prober]=prometheus-smokeping-prober
    [sqlite3]=sqlite3
    [wrk]=wrk
)
# Debian keeps the servers of PostgreSQL out of PATH, fping and others in sbin.
PATH="$PATH:/usr/sbin:/sbin:$(printf '%s:' /usr/lib/postgresql/*/bin)"

missing=()
for package in "${!commands[@]}"; do
    command -v "${commands[$package]}" >/dev/null || missing+=("$package")
done
((${#missing[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
    echo "The tests need these, and here is no apt-get to install them:" >&2
    for package in "${missing[@]}"; do echo "  ${commands[$package]} ($package)" >&2; done
    exit 1
fi

as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "As root: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "Installing ${missing[*]}" >&2

# Nothing that is installed here may start: not now, and not at the next boot.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -qq --yes --no-install-recommends "${missing[@]}" >/dev/null
if [[ -d /run/systemd/system ]]; then
    for package in "${missing[@]}"; do
        "${as_root[@]}" systemctl disable --now --quiet "$package" 2>/dev/null || true
    done
fi
