# glibc: the Temporal SDK's native part has no build for musl (Alpine).
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE} AS product
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
# Readable by the user node, also from a checkout that only its owner can read.
COPY --chmod=755 . .
# Here, by the SDK version that runs it, so that a worker starts at once and all workers run the same code.
RUN node dev/bundle.ts dist/workflow-bundle.js

FROM ${NODE_IMAGE}
ENV NODE_ENV=production API_HOST=0.0.0.0 WORKFLOW_BUNDLE=/app/dist/workflow-bundle.js
WORKDIR /app
# Owned by root: what runs as node cannot change the program.
COPY --from=product /app ./
USER node
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 CMD ["node", "deploy/api-health.ts"]
CMD ["node", "server.ts"]
