FROM signalbox-try-base AS base
ENV LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

FROM base AS node
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
COPY bin/node /usr/local/bin/node
COPY npm /opt/npm
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node \
  && ln -s /opt/npm/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
CMD ["node"]

FROM base AS postgres
ENV PGDATA=/var/lib/postgresql/18/docker PGHOST=/tmp PATH=/opt/postgres/bin:$PATH
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid postgres postgres || true
COPY postgres /opt/postgres
COPY postgres-entrypoint.sh /usr/local/bin/
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["postgres-entrypoint.sh"]
CMD ["postgres"]

# Alpine's shell is busybox, too.
FROM base AS alpine
RUN ln -sf busybox /bin/sh && ln -s /bin/busybox /usr/local/bin/wget \
  && groupadd --gid 1000 temporal && useradd --uid 1000 --gid temporal --create-home temporal

FROM alpine AS temporal
COPY bin/temporal-server /usr/local/bin/
COPY temporal-entrypoint.sh /etc/temporal/entrypoint.sh
WORKDIR /etc/temporal
USER temporal
CMD ["/etc/temporal/entrypoint.sh"]

FROM alpine AS admin-tools
COPY bin/temporal-sql-tool bin/temporal /usr/local/bin/
USER temporal

FROM alpine AS ui
COPY bin/ui-server /usr/local/bin/
COPY ui-config /home/ui-server/config
WORKDIR /home/ui-server
USER temporal
CMD ["ui-server", "--env", "docker", "start"]
