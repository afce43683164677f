/** How a client of the 2025 revisions opens a connection. */
export const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "Ünïcödé ✓", version: "1" },
  },
};
