# The service in a container of its own. Build: docker build -t jobwright .
# It needs a MongoDB replica set (JOBWRIGHT_MONGODB_URI) and a file with the secrets; see compose.yaml.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY machines ./machines
RUN npm run build && rm dist/.tsbuildinfo
RUN npm prune --omit=dev

FROM node:24-slim
WORKDIR /app
RUN mkdir /archive && chown node:node /archive
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./

# Secrets come by a file only: an environment shows in docker inspect.
ENV JOBWRIGHT_HOST=0.0.0.0
ENV JOBWRIGHT_SECRETS_FILE=/run/secrets/jobwright_secrets
ENV JOBWRIGHT_ARCHIVE_ROOT=/archive

USER node
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.JOBWRIGHT_PORT || 8787) + '/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["serve"]
