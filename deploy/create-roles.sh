#!/bin/sh
# Runs once, when the database server is empty: one role for each user of the server, each with its own databases.
set -eu

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set signalbox_password="$SIGNALBOX_DB_PASSWORD" --set temporal_password="$TEMPORAL_DB_PASSWORD" <<'SQL'
create role signalbox login password :'signalbox_password';
create database signalbox owner signalbox;
create role temporal login createdb password :'temporal_password';
revoke connect on database signalbox from public;
SQL
