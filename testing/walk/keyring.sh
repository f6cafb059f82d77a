#!/bin/bash
# Runs a command with a session bus and an unlocked Secret Service of its own, without a desktop.
# The keyring's files go to KONSIL_KEYRING_DIR, so that a later run finds the same keys.
set -eu
data=${KONSIL_KEYRING_DIR:-$(mktemp -d)}
mkdir -p "$data"
export XDG_DATA_HOME=$data
XDG_RUNTIME_DIR=$(mktemp -d)
export XDG_RUNTIME_DIR
chmod 700 "$XDG_RUNTIME_DIR"
exec dbus-run-session -- bash -c '
  printf "konsil" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
  exec "$@"' _ "$@"
