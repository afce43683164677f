import { PassThrough } from "node:stream";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { AjvJsonSchemaValidator as V2Validator } from "@modelcontextprotocol/client/validators/ajv";
import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { AjvJsonSchemaValidator as V1Validator } from "@modelcontextprotocol/sdk/validation/ajv";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { Ajv2020 } from "ajv/dist/2020.js";
import { z } from "zod";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { createClient } from "../../src/client/create-task-api-client.ts";
import { createFollowers, createGroupFollowers } from "../../src/client/follow/followers.ts";
import { createInProcessFetch } from "../../src/client/http/in-process-fetch.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import type { Backend } from "../../src/mcp/runs/backend.ts";
import { requestFactsOf } from "../../src/runtime/request-facts.ts";
import { createRunUpdatePublisher } from "../../src/mcp/protocol/subscriptions.ts";
import { createPriceList } from "../../src/mcp/runs/price-list.ts";
import { RunReport } from "../../src/mcp/report/run-report.ts";
import { TOOL_LIST } from "../../src/mcp/tool-list.ts";
import { type TaskRunServerDeps, createServerFactory } from "../../src/mcp/server.ts";
import { serveStdioTransport } from "../../src/transports/stdio/stdio.ts";
import { silentLog } from "../engine/start-test-engine.ts";
import { onFinished } from "../on-finished.ts";
import { type BesideTools, besideV1Tools, besideV2Tools } from "./beside-tools.ts";

export const clientKinds = ["v1 client", "v2 client, 2025-11-25", "v2 client, 2026-07-28"] as const;
/** `v2 client, any` asks the server what it speaks, and takes an older revision of one that does not answer in time. */
export type ClientKind = (typeof clientKinds)[number] | "v2 client, any";

const Progress = z.object({
  progress: z.number(),
  total: z.number().optional(),
  message: z.string().optional(),
});
export type Progress = z.infer<typeof Progress>;

export interface CallOptions {
  onprogress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

const ToolResult = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string() })),
  structuredContent: RunReport.strict().optional(),
  isError: z.boolean().optional(),
});

const ToolList = z.object({
  tools: z.array(
    z.looseObject({
      name: z.string(),
      description: z.string(),
      inputSchema: z.looseObject({ properties: z.record(z.string(), z.unknown()) }),
      annotations: z.record(z.string(), z.unknown()),
    }),
  ),
});

/** One connected MCP client, whichever SDK it comes from. */
export interface TestClient {
  /** The result; the client itself has checked its structured content against the tool's output schema. */
  call(
    name: string,
    args: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<{ texts: string[]; text: string; report: RunReport; isError: boolean }>;
  listTools(): Promise<z.infer<typeof ToolList>>;
  instructions(): string;
  beside: BesideTools;
  /** Leaves before the test ends. */
  close(): Promise<void>;
}

const ajv = new Ajv2020({ strict: false });
const answerSchemas = new Map(
  TOOL_LIST.map(({ name, shownOutput }) => [
    name,
    ajv.compile({ ...shownOutput, additionalProperties: false }),
  ]),
);

/** Some clients refuse an answer with a field that the tool's output schema does not name. */
function checkAnswer(name: string, answer: unknown): void {
  const validate = answerSchemas.get(name);
  if (validate?.(answer) === false) {
    throw new Error(
      `${name} answers otherwise than its schema says: ${JSON.stringify(validate.errors)}`,
    );
  }
}

/** A backend in front of a real engine, reached the way the embedded one is. */
export async function backendOf(
  handle: (request: Request) => Promise<Response>,
  kind: Backend["kind"] = "embedded",
): Promise<Backend> {
  const fetch = createInProcessFetch(handle);
  const client = createClient({
    baseUrl: "http://engine",
    fetch,
    // No test waits for a minute to pass.
    inputsPerMinute: 1_000_000,
    retryPolicy: { maxAttempts: 1, budgetMs: 0, firstDelayMs: 0, maxDelayMs: 0, jitter: 0 },
  });
  const ledgers = await openLedgerStore({ path: ":memory:", now: Date.now, log: silentLog });
  onFinished(() => ledgers.close());
  return {
    kind,
    client,
    followers: createFollowers({ client }),
    groupFollowers: createGroupFollowers({ client }),
    prices: createPriceList({ kind }),
    ledger: ledgers.of({ backend: kind, keyFingerprint: null, principal: null }),
    ledgerFallbackReason: null,
  };
}

export const backendOn = (engine: Engine, kind?: Backend["kind"]) =>
  backendOf((request) => engine.fetch(request), kind);

/** Serves the tools over a pair of streams, as stdio does, and connects a client to them. */
export async function connect(
  backend: () => Promise<Backend>,
  {
    kind = "v1 client",
    name: clientName = "test",
    clock = systemClock,
    ...deps
  }: { kind?: ClientKind; name?: string; clock?: Clock } & Partial<TaskRunServerDeps> = {},
): Promise<TestClient> {
  const { principal } = requestFactsOf(undefined);
  const publisher = createRunUpdatePublisher({ backend, clock, log: silentLog });
  const factory = createServerFactory({
    backend,
    version: "0.0.0-test",
    log: silentLog,
    clock,
    publisher,
    ...deps,
  });
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  const server = serveStdioTransport(factory, {
    log: silentLog,
    onClosed: () => toClient.end(),
    follow: (uris, publish) => publisher.subscribe(uris, principal, publish),
    input: toServer,
    output: toClient,
  });
  onFinished(() => server.close());
  // The line protocol is the same in both directions.
  const transport = new StdioServerTransport(toClient, toServer);
  const client = await connectClient(
    kind,
    { v1: () => transport, v2: () => transport },
    clientName,
  );
  return {
    ...client,
    async close() {
      toServer.end();
      await server.close();
    },
  };
}

/** Compiling an output schema takes longer than most tests: of those that say the same, only the first is compiled. */
function firstOfItsText<Schema>(): (schema: Schema) => Schema {
  const known = new Map<string, Schema>();
  return (schema) => {
    const text = JSON.stringify(schema);
    const first = known.get(text) ?? schema;
    known.set(text, first);
    return first;
  };
}

type V1Schema = Parameters<V1Validator["getValidator"]>[0];
const firstV1 = firstOfItsText<V1Schema>();
const v1Validator = new (class extends V1Validator {
  override getValidator<T>(schema: V1Schema) {
    return super.getValidator<T>(firstV1(schema));
  }
})();

type V2Schema = Parameters<V2Validator["getValidator"]>[0];
const firstV2 = firstOfItsText<V2Schema>();
const v2Validator = new (class extends V2Validator {
  override getValidator<T>(schema: V2Schema) {
    return super.getValidator<T>(firstV2(schema));
  }
})();

/** Connects a client that has seen the tools: it checks every result against their output schemas. */
export async function connectClient(
  kind: ClientKind,
  transports: {
    v1: () => Parameters<V1Client["connect"]>[0];
    v2: () => Parameters<ModernClient["connect"]>[0];
  },
  name = "test",
): Promise<TestClient> {
  if (kind === "v1 client") {
    const client = new V1Client({ name, version: "1" }, { jsonSchemaValidator: v1Validator });
    await client.connect(transports.v1());
    onFinished(() => client.close());
    await client.listTools();
    return {
      call: async (tool, args, options) =>
        readResult(
          tool,
          await client.callTool({ name: tool, arguments: args }, undefined, options),
        ),
      listTools: async () => ToolList.parse(await client.listTools()),
      instructions: () => client.getInstructions() ?? "",
      beside: besideV1Tools(client),
      close: () => client.close(),
    };
  }
  const isModern = kind !== "v2 client, 2025-11-25";
  const newest = kind === "v2 client, any" ? "auto" : { pin: "2026-07-28" };
  const client = new ModernClient(
    { name, version: "1" },
    {
      versionNegotiation: { mode: isModern ? newest : "legacy" },
      jsonSchemaValidator: v2Validator,
    },
  );
  await client.connect(transports.v2());
  onFinished(() => client.close());
  await client.listTools();
  return {
    call: async (tool, args, options) =>
      readResult(tool, await client.callTool({ name: tool, arguments: args }, options)),
    listTools: async () => ToolList.parse(await client.listTools()),
    instructions: () => client.getInstructions() ?? "",
    beside: besideV2Tools(client, isModern),
    close: () => client.close(),
  };
}

function readResult(name: string, result: unknown) {
  const { content, structuredContent, isError = false } = ToolResult.parse(result);
  if (structuredContent !== undefined) checkAnswer(name, structuredContent);
  const texts = content.map(({ text }) => text);
  const report = structuredContent ?? { summary: "", next_step: "" };
  return { texts, text: texts.join("\n"), report, isError };
}
