#!/bin/sh
# Creates or updates Temporal's two databases. Can run again at any time: each step skips existing parts.
set -eu

schema() { # database, schema
  set -- "$1" "$2" --plugin postgres12 --ep "$POSTGRES_SEEDS" --port "$DB_PORT" --user "$POSTGRES_USER"
  database=$1
  name=$2
  shift 2
  # The password comes from SQL_PASSWORD: an argument would show in the list of processes.
  temporal-sql-tool "$@" --database "$database" create-database
  temporal-sql-tool "$@" --database "$database" setup-schema --version 0.0
  temporal-sql-tool "$@" --database "$database" update-schema --schema-name "$name"
}

schema "$DBNAME" postgresql/v12/temporal
schema "$VISIBILITY_DBNAME" postgresql/v12/visibility
