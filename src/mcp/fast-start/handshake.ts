import { z } from "zod";
import type { HandshakeReply } from "../../runtime/handshake-reply.ts";
import { capabilitiesOf } from "../protocol/capabilities.ts";
import { type CatalogOptions, createCatalog, describeTool, serverInfo } from "../catalog.ts";

/** The revisions whose connections begin with `initialize`; a test compares them with the SDK's. */
const LEGACY_REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"];

const JsonRpc = { jsonrpc: z.literal("2.0") };
const JsonRpcRequest = { ...JsonRpc, id: z.union([z.string(), z.int()]) };

const Initialize = z.strictObject({
  ...JsonRpcRequest,
  method: z.literal("initialize"),
  params: z.strictObject({
    protocolVersion: z.enum(LEGACY_REVISIONS),
    capabilities: z.looseObject({}),
    clientInfo: z.looseObject({ name: z.string(), version: z.string() }),
  }),
});
const Initialized = z.strictObject({
  ...JsonRpc,
  method: z.literal("notifications/initialized"),
  params: z.strictObject({}).optional(),
});
const ListTools = z.strictObject({
  ...JsonRpcRequest,
  method: z.literal("tools/list"),
  params: z.strictObject({}).optional(),
});

/**
 * Answers `initialize` and the first `tools/list` of clients before 2026-07-28 exactly as the whole server does, but
 * without the MCP SDK: loading it takes longer than starting Node, and a host waits for the tools of each of its servers
 * before the user can type. Every other message is unhandled.
 */
export function createHandshakeResponder({
  version,
  ...options
}: CatalogOptions & { version: string }): (message: unknown) => HandshakeReply {
  const { tools, instructions, prompts } = createCatalog(options);
  const capabilities = capabilitiesOf({ prompts, hasSubscriptions: true, hasTasks: false });
  let isInitialized = false;
  return function reply(message) {
    const initialize = Initialize.safeParse(message);
    if (initialize.success && !isInitialized) {
      isInitialized = true;
      const { id, params } = initialize.data;
      const { protocolVersion } = params;
      const info = serverInfo(version);
      const result = { protocolVersion, capabilities, serverInfo: info, instructions };
      return { kind: "initialize", id, result };
    }
    if (isInitialized && Initialized.safeParse(message).success) return { kind: "notification" };
    const list = ListTools.safeParse(message);
    if (!list.success || !isInitialized) return { kind: "unhandled" };
    const listed = tools.map((tool) => {
      const { title, description, annotations } = describeTool(tool);
      const { name, shownInput: inputSchema, shownOutput: outputSchema } = tool;
      return { name, title, description, inputSchema, annotations, outputSchema };
    });
    return { kind: "list", id: list.data.id, result: { tools: listed } };
  };
}
