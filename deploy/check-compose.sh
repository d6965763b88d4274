#!/bin/sh
# Parses docker-compose.yml, with made-up secrets, by each compose implementation of this machine, and prints which.
# Then sees that the containers, whose users are not the owner of this folder, can read what is mounted into them.
set -eu
cd "$(dirname "$0")/.."

key=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
export POSTGRES_PASSWORD=x SIGNALBOX_DB_PASSWORD=x TEMPORAL_DB_PASSWORD=x
export CREDENTIALS_KEY=$key SIGNING_KEY=$key ADMIN_KEY=$key

used=0
try() {
  "$@" version >/dev/null 2>&1 || return 0
  used=$((used + 1))
  echo "$* config"
  "$@" --file docker-compose.yml config >/dev/null
}

try docker compose
try docker-compose
try podman-compose
if [ "$used" -eq 0 ]; then
  echo 'no compose implementation found: install docker compose, docker-compose or podman-compose' >&2
  exit 1
fi
unreadable=$(find deploy -type f ! -perm -o=r)
if [ -n "$unreadable" ]; then
  echo "containers cannot read these files, because only their owner may (mend: chmod -R o+rX deploy):" >&2
  echo "$unreadable" >&2
  exit 1
fi
echo "docker-compose.yml is valid ($used implementation(s))"
