import { z } from "zod";
import { capabilitiesOf } from "../protocol/capabilities.ts";
import { type OfferLimits, describeTool, introduce, offerTo } from "../catalog.ts";

/** What a message of a client is to a server that has just started. */
type Heard =
  /** Opens the connection; the whole server must hear it too. */
  | { kind: "opening"; id: string | number; result: object }
  | { kind: "notification" }
  /** What clients wait for. */
  | { kind: "question"; id: string | number; result: object }
  /** Anything else: the whole server must answer it. */
  | { kind: "unknown" };

type Greeting = (message: unknown) => Heard;

/** The revisions in which a connection is opened by `initialize`, as the SDK knows them; a test compares them. */
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
 * Answers what every client of the revisions before 2026-07-28 asks first, `initialize` and then `tools/list`, exactly as
 * {@link createTaskRunServer}'s server does, without the MCP SDK: loading it takes longer than starting Node, and a host
 * waits for the tools of each of its servers before the user can type. Whatever is not plainly one of these is unknown.
 */
export function createGreeting({
  version,
  ...limits
}: OfferLimits & { version: string }): Greeting {
  const { tools, instructions, prompts } = offerTo(limits);
  const capabilities = capabilitiesOf({ prompts, hasSubscriptions: true, hasTasks: false });
  let isInitialized = false;
  return (message) => {
    const initialize = Initialize.safeParse(message);
    if (initialize.success && !isInitialized) {
      isInitialized = true;
      const { id, params } = initialize.data;
      const { protocolVersion } = params;
      const serverInfo = introduce(version);
      const result = { protocolVersion, capabilities, serverInfo, instructions };
      return { kind: "opening", id, result };
    }
    if (isInitialized && Initialized.safeParse(message).success) return { kind: "notification" };
    const list = ListTools.safeParse(message);
    if (!list.success || !isInitialized) return { kind: "unknown" };
    const listed = tools.map((tool) => {
      const { title, description, annotations } = describeTool(tool);
      const { name, shownInput: inputSchema, shownOutput: outputSchema } = tool;
      return { name, title, description, inputSchema, annotations, outputSchema };
    });
    return { kind: "question", id: list.data.id, result: { tools: listed } };
  };
}
