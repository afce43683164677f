# The program as one container: `task-run-mcp http` by default, other commands by name. See examples/compose.yaml.
# For one client on this machine: docker run -i --rm IMAGE stdio
FROM node:24-alpine AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

# Node 24 includes SQLite, so node_modules is not needed.
FROM node:24-alpine
# The MCP registry compares this name with the one in server.json.
LABEL io.modelcontextprotocol.server.name="io.github.task-run-mcp/task-run-mcp" \
  org.opencontainers.image.title="task-run-mcp" \
  org.opencontainers.image.description="Research runs with real progress and cited answers, over MCP" \
  org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=build /src/package.json /src/LICENSE ./
COPY --from=build /src/dist ./dist
COPY --from=build /src/examples/documents ./examples/documents
# The image's user `node`, as a number: Kubernetes can then check that it is not root.
RUN mkdir /state && chown 1000:1000 /state
USER 1000:1000
ENV NODE_ENV=production TASK_RUN_MCP_STATE_DIR=/state TASK_RUN_MCP_HOST=0.0.0.0 TASK_RUN_MCP_PORT=3000
VOLUME /state
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TASK_RUN_MCP_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["http"]
