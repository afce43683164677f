// Starts one of the servers that bench/bridge.ts compares: `tsx bridge-server.ts <kind> [backend URL]`.
// The first line on stdout is its URL.
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { McpServer, createMcpHandler } from "@modelcontextprotocol/server";
import { Agent, request } from "undici";
import { z } from "zod";

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

const [, , kind = "", backendUrl = ""] = process.argv;
const dispatcher = new Agent({ connections: null });

const run = (id: string, isActive: boolean) => ({
  run_id: id,
  status: isActive ? "running" : "completed",
  is_active: isActive,
  processor: "base",
  created_at: "2026-11-24T09:00:00Z",
  modified_at: "2026-11-24T09:00:00Z",
  interaction_id: `int_${id}`,
  metadata: {},
});

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function sendJson(outgoing: ServerResponse, text: string): void {
  outgoing.writeHead(200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  outgoing.end(text);
}

/** A Task API that answers at once. Every run is completed, except that runs with the input `wait` never end. */
function backend(): Listener {
  let created = 0;
  return (incoming, outgoing) => {
    const { method, url = "" } = incoming;
    void readBody(incoming).then((body) => {
      if (method === "POST") {
        const isActive = body.includes('"wait"');
        const id = `${isActive ? "trun_active" : "trun_done"}_${created++}`;
        sendJson(outgoing, JSON.stringify(run(id, isActive)));
        return;
      }
      const [, id = ""] = /\/runs\/([^/?]+)/.exec(url) ?? [];
      const isActive = id.startsWith("trun_active");
      if (url.includes("/events")) {
        outgoing.writeHead(200, { "content-type": "text/event-stream" });
        outgoing.write(": open\n\n");
      } else if (!url.includes("/result")) {
        sendJson(outgoing, JSON.stringify(run(id, isActive)));
      } else if (!isActive) {
        const output = { type: "text", content: "ok", basis: [] };
        sendJson(outgoing, JSON.stringify({ run: run(id, false), output }));
      }
    });
  };
}

async function askBackend(): Promise<unknown> {
  const { body } = await request(`${backendUrl}/v1/tasks/runs/trun_done_0`, { dispatcher });
  return body.json();
}

/** An echo server on bare node:http: parses the MCP call and returns its arguments. */
function raw(answer: (params: unknown) => Promise<unknown>): Listener {
  return (incoming, outgoing) => {
    void readBody(incoming).then(async (text) => {
      const { id, params } = JSON.parse(text);
      sendJson(outgoing, JSON.stringify({ jsonrpc: "2.0", id, result: await answer(params) }));
    });
  };
}

/** The smallest server that uses the SDK. */
function sdk(answer: (text: string) => Promise<unknown>): Listener {
  const inputSchema = z.object({ text: z.string() });
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "bench", version: "1" });
    server.registerTool("echo", { inputSchema }, async ({ text }) => ({
      content: [{ type: "text", text: JSON.stringify(await answer(text)) }],
    }));
    return server;
  });
  const listener = getRequestListener((web) => handler.fetch(web), {
    overrideGlobalObjects: false,
  });
  return (incoming, outgoing) => void listener(incoming, outgoing);
}

function listenerOf(name: string): Listener {
  switch (name) {
    case "backend":
      return backend();
    case "raw echo":
      return raw(async (params) => params);
    case "raw bridge":
      return raw(askBackend);
    case "SDK echo":
      return sdk(async (text) => text);
    case "SDK bridge":
      return sdk(askBackend);
    default:
      throw new Error(`There is no ${name}`);
  }
}

const server = createServer(listenerOf(kind));
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  process.stdout.write(`http://127.0.0.1:${address.port}\n`);
});
