#!/bin/bash
# Builds the image and runs all of docker-compose.yml in a project of its own: health, rights, a push to simulators
# with restarts in the middle, the emergency stop. Then removes everything. Prints each step and what it took.
#   deploy/try-containers.sh            where Docker with Compose is, and the images can be pulled
#   deploy/try-containers.sh --debian   as root on Debian 12, without image registries: an engine of its own from
#                                       Debian's packages, and substitutes for the images. Needs Go, and half an
#                                       hour at the first time.
# What takes long to make is kept in TRY_CACHE (by default /var/tmp/signalbox-try).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/try/engine.sh
. deploy/try/engine.sh
# shellcheck source=deploy/try/substitutes.sh
. deploy/try/substitutes.sh
# shellcheck source=deploy/try/project.sh
. deploy/try/project.sh

CACHE=${TRY_CACHE:-/var/tmp/signalbox-try}
TRIAL=$(mktemp -d)
STARTED=$SECONDS
mkdir -p "$CACHE"

say() { printf '%4d s  %s\n' $((SECONDS - STARTED)) "$*"; }

finish() {
  status=$?
  trap - EXIT
  [ "$status" -eq 0 ] || show_failure
  remove_project
  stop_engine
  rm -rf "$TRIAL"
  if [ "$status" -eq 0 ]; then say 'passed, and removed'; else say "FAILED with $status, and removed"; fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ "${1:-}" = --debian ]; then
  install_engine
  start_engine
  make_substitutes
fi
prepare_project
start_project
check_rights
node_modules/.bin/node deploy/try/push.ts "$TRIAL"
restart_project
