# shellcheck shell=bash
# The project of docker-compose.yml with simulators beside it, under a name and on ports of its own.

prepare_project() {
  mkdir -m 777 "$TRIAL/shared"
  export COMPOSE_PROJECT_NAME=signalbox-try COMPOSE_FILE=docker-compose.yml:deploy/try/simulators.yml
  export COMPOSE_ENV_FILES=$TRIAL/env COMPOSE_PROGRESS=quiet
  {
    sed -n 's/^\([A-Z_]*PASSWORD\)=$/\1/p' deploy/example.env | while read -r name; do
      echo "$name=$(openssl rand -hex 24)"
    done
    echo "CREDENTIALS_KEY=$(openssl rand -base64 32)"
    echo "SIGNING_KEY=$(openssl rand -base64 32)"
    echo "ADMIN_KEY=$(openssl rand -hex 32)"
    # Empty values, as people leave them.
    echo 'TRUST_PROXY='
    echo 'SIGNING_KEY_PREVIOUS='
    echo 'WEBHOOK_PRIVATE_RANGES='
    echo 'API_PORT=18080'
    echo 'TEMPORAL_PORT=17233'
    echo 'TEMPORAL_UI_PORT=18233'
    echo 'SIMULATOR_PORT=18090'
    echo "TRIAL_SHARED=$TRIAL/shared"
    echo "TRIAL_USER=$(id -u):$(id -g)"
    echo "NODE_MODULES=$(readlink -f node_modules)"
  } >"$TRIAL/env"
}

# Jobs end, which --wait takes for a failure, so the services to wait for are named.
up() {
  docker compose up --wait --scale worker=2 "$@" api worker temporal-ui
}

start_project() {
  say 'building the image'
  docker compose build api
  say 'starting all services'
  up --build
  say 'healthy:'
  show_services
  up
  say 'a second up changed nothing'
}

show_services() {
  docker compose ps --all --format '{{.Service}}  {{.Status}}' | sort | sed 's/^/          /'
}

expect_refused() { # what, command …
  local what=$1
  shift
  if "$@" >/dev/null 2>&1; then
    echo "a container can $what" >&2
    return 1
  fi
}

check_rights() {
  local service
  for service in api worker; do
    [ "$(docker compose exec -T $service id -u)" = 1000 ]
    [ "$(docker compose exec -T $service sed -n 's/^CapEff:\t//p' /proc/self/status)" = 0000000000000000 ]
    expect_refused 'write to its program' docker compose exec -T $service touch /app/server.ts
    expect_refused 'write to its file system' docker compose exec -T $service touch /etc/file
  done
  [ "$(docker network inspect --format '{{.Internal}}' "${COMPOSE_PROJECT_NAME}_data")" = true ]
  say 'API and workers run as uid 1000, without capabilities, on a read-only file system'
}

restart_project() {
  docker compose stop
  up
  say 'stopped as a whole and started again:'
  show_services
}

show_failure() {
  docker compose ps --all 2>&1 || true
  docker compose logs --tail 15 2>&1 | grep -v '"level":"\?\(info\|30\)' | cut -c1-300 || true
}

remove_project() {
  docker compose down --volumes --timeout 20 >/dev/null 2>&1 || true
}
