# Agent Allocation: one image for all roles (`docker run … api`, `… worker`; without an argument: all).
# There is no Redis in it: set REDIS_URL (compose.yaml has one).

FROM oven/bun:1.4.5-alpine AS packages
WORKDIR /app
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production

FROM oven/bun:1.4.5-alpine
WORKDIR /app
# DATA_DIR is used by LOG_STACK=single only. The rest of the file system may be read-only, and bun must not try to cache.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/data \
    BUN_RUNTIME_TRANSPILER_CACHE_PATH=0
RUN mkdir /data && chown bun:bun /data
COPY --from=packages /app/node_modules ./node_modules
COPY package.json bunfig.toml tsconfig.json LICENSE ./
COPY lua ./lua
COPY src ./src
USER bun
EXPOSE 3000
STOPSIGNAL SIGTERM
# A worker does not listen: switch the check off there, as compose.yaml does.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["bun", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["bun", "run", "src/index.ts"]
