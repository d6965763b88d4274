#!/bin/sh
# What docker-compose.yml needs of the entrypoint of the postgres image: a volume that it takes over, roles and
# databases by the scripts of /docker-entrypoint-initdb.d at the first start, passwords except on the loopback.
set -eu

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres:postgres /var/lib/postgresql
  exec gosu postgres "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  initdb --username=postgres --pwfile=/tmp/password >/dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  pg_ctl --options="-c listen_addresses=''" --wait start
  for script in /docker-entrypoint-initdb.d/*.sh; do POSTGRES_USER=postgres "$script"; done
  pg_ctl --mode=fast --wait stop
fi
exec "$@" -c "listen_addresses=*"
