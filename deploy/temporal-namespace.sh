#!/bin/sh
# Creates the namespace and the search attributes that Signalbox needs. Can run again at any time.
set -eu

ATTEMPTS=60
SAID_EVERY=10
ERRORS=$(mktemp)
RETENTION=30d
ATTRIBUTES='TaskStatus=Keyword AppId=Keyword PushType=Keyword Channel=Keyword Creator=Keyword PushAt=Datetime Planned=Int'

# Waiting without a word would look like hanging: the last error is shown now and then.
retry() {
  attempt=1
  until "$@" 2>"$ERRORS"; do
    if [ "$attempt" -ge "$ATTEMPTS" ]; then
      echo "given up after $ATTEMPTS attempts: $*: $(cat "$ERRORS")" >&2
      return 1
    fi
    if [ $((attempt % SAID_EVERY)) -eq 1 ]; then
      echo "waiting for Temporal at $TEMPORAL_ADDRESS: $* (attempt $attempt of $ATTEMPTS): $(cat "$ERRORS")" >&2
    fi
    attempt=$((attempt + 1))
    sleep 2
  done
}

is_healthy() {
  temporal operator cluster health >/dev/null
}

has_namespace() {
  temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null
}

ensure_namespace() {
  has_namespace 2>/dev/null ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION" ||
    has_namespace
}

has_attribute() { # name, type
  temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" |
    grep -Eq "^[[:space:]]*$1[[:space:]]+$2[[:space:]]*$"
}

ensure_attribute() { # name, type
  has_attribute "$1" "$2" || {
    temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$1" --type "$2" || true
    has_attribute "$1" "$2"
  }
}

# Temporal refuses a new attribute for some seconds, until its caches know it.
is_usable() { # name
  temporal workflow count --namespace "$TEMPORAL_NAMESPACE" --query "$1 is null" >/dev/null
}

retry is_healthy
retry ensure_namespace
for attribute in $ATTRIBUTES; do
  retry ensure_attribute "${attribute%%=*}" "${attribute#*=}"
done
for attribute in $ATTRIBUTES; do
  retry is_usable "${attribute%%=*}"
done
echo "namespace $TEMPORAL_NAMESPACE is ready"
