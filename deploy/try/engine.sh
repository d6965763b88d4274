# shellcheck shell=bash
# A Docker engine of its own on Debian 12, which leaves the machine as it was.

COMPOSE_VERSION=v2.40.3
ENGINE_PID=

install_engine() {
  local packages=(docker.io containerd runc iptables tini debootstrap)
  if ! dpkg --status "${packages[@]}" >/dev/null 2>&1; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  fi
  export DOCKER_CONFIG=$CACHE/docker-config PATH=/usr/bin:$PATH DOCKER_BUILDKIT=1
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  [ -x "$CACHE/bin/docker-compose" ] || build_compose
  ln -sf "$CACHE/bin/docker-compose" "$DOCKER_CONFIG/cli-plugins/docker-compose"
}

# `go install` refuses a module that excludes versions of others, so a module around it repeats its exclusions.
build_compose() {
  say "building Compose $COMPOSE_VERSION"
  local module=github.com/docker/compose/v2
  mkdir -p "$CACHE/bin" "$CACHE/compose"
  (
    cd "$CACHE/compose" || exit
    rm -f go.mod go.sum
    go mod init compose-build
    printf 'package build\n\nimport _ "%s/pkg/api"\n' $module >build.go
    sed -n '/^exclude/,/^)/p' "$(go mod download -json $module@$COMPOSE_VERSION | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')" >>go.mod
    go get $module/cmd@$COMPOSE_VERSION
    CGO_ENABLED=0 nice go build -p 1 -trimpath -o "$CACHE/bin/docker-compose" $module/cmd
  ) >"$CACHE/compose.log" 2>&1
}

rules_of() { # table, its own chains
  local table=$1 chain rules
  shift
  rules=$(iptables-save -t "$table")
  if [ -n "$rules" ]; then echo "$rules" && return; fi
  echo "*$table"
  for chain in "$@"; do echo ":$chain ACCEPT [0:0]"; done
  echo COMMIT
}

start_engine() {
  export DOCKER_HOST=unix://$TRIAL/docker.sock
  rules_of filter INPUT FORWARD OUTPUT >"$TRIAL/filter"
  rules_of nat PREROUTING INPUT OUTPUT POSTROUTING >"$TRIAL/nat"
  FORWARDED=$(cat /proc/sys/net/ipv4/ip_forward)
  dockerd --data-root "$CACHE/engine" --exec-root "$TRIAL/run" --pidfile "$TRIAL/pid" --host "$DOCKER_HOST" \
    --mtu 1400 --oom-score-adjust 0 >"$CACHE/dockerd.log" 2>&1 &
  ENGINE_PID=$!
  for _ in $(seq 60); do
    if docker info >/dev/null 2>&1; then
      say "engine $(docker version --format '{{.Server.Version}}'), $(docker compose version)"
      return
    fi
    sleep 1
  done
  echo "the engine did not start: see $CACHE/dockerd.log" >&2
  return 1
}

stop_engine() {
  [ -n "$ENGINE_PID" ] || return 0
  if kill "$ENGINE_PID"; then wait "$ENGINE_PID" || true; fi
  iptables-restore <"$TRIAL/filter"
  iptables-restore <"$TRIAL/nat"
  ip link delete docker0 2>/dev/null || true
  echo "$FORWARDED" >/proc/sys/net/ipv4/ip_forward
}
