# The program as one container: `task-run-mcp http` by default, `engine` by command. See examples/compose.yaml.
FROM node:24-alpine AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

# This Node has an SQLite of its own, so nothing of node_modules is needed.
FROM node:24-alpine
WORKDIR /app
COPY --from=build /src/package.json /src/LICENSE ./
COPY --from=build /src/dist ./dist
COPY --from=build /src/examples/documents ./examples/documents
RUN mkdir /state && chown node:node /state
USER node
ENV NODE_ENV=production TASK_RUN_MCP_STATE_DIR=/state TASK_RUN_MCP_HOST=0.0.0.0 TASK_RUN_MCP_PORT=3000
VOLUME /state
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TASK_RUN_MCP_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["http"]
