import { z } from "zod";
import { JsonObject, TaskSpec } from "./task-spec.ts";

/** Every documented limit of a create request. Source: Task API, "Size and count limits". */
export const RunInputLimits = {
  metadataKeyChars: 16,
  metadataValueChars: 512,
  sourcePolicyDomains: 200,
  mcpServers: 10,
  memoryScopeKeyChars: 128,
  taskSpecChars: 15_000,
  taskSpecAndInputChars: 25_000,
} as const;

/**
 * Labels of a run. The API's schema admits numbers and booleans as values, its prose only strings; both are accepted
 * here, and the length limit holds for what a value looks like as text.
 */
export const RunMetadata = z.record(
  z
    .string()
    .min(1, "a metadata key must not be empty")
    .max(
      RunInputLimits.metadataKeyChars,
      `a metadata key has at most ${RunInputLimits.metadataKeyChars} characters; shorten it`,
    ),
  z.union(
    [
      z
        .string()
        .max(
          RunInputLimits.metadataValueChars,
          `a metadata value has at most ${RunInputLimits.metadataValueChars} characters; shorten it`,
        ),
      z.number(),
      z.boolean(),
    ],
    { error: "write a metadata value as a string, a number or a boolean" },
  ),
  // A bad key is one issue around the key's own; its message is the one that helps.
  { error: (issue) => (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) },
);
export type RunMetadata = z.infer<typeof RunMetadata>;

/** `example.com`, `sub.example.com`, `example.com/path` or a suffix such as `.gov`; never a URL or a wildcard. */
const SourcePolicyDomain = z
  .string()
  .regex(
    /^(?!.*(:|\?|#|\*|\s))[^/]+(\/.*)?$/,
    "write a plain domain (example.com) or a suffix (.gov): no scheme, port, query or wildcard",
  );

/** Which sources a run may use. An apex domain covers its subdomains. Source: Task API, `SourcePolicy`. */
export const SourcePolicy = z
  .strictObject({
    include_domains: z.array(SourcePolicyDomain).optional(),
    exclude_domains: z.array(SourcePolicyDomain).optional(),
    after_date: z.iso.date("write the date as YYYY-MM-DD").nullish(),
  })
  .refine(
    (policy) =>
      (policy.include_domains?.length ?? 0) + (policy.exclude_domains?.length ?? 0) <=
      RunInputLimits.sourcePolicyDomains,
    `include_domains and exclude_domains hold at most ${RunInputLimits.sourcePolicyDomains} entries together`,
  );
export type SourcePolicy = z.infer<typeof SourcePolicy>;

const httpUrl = (meaning: string) =>
  z.url({ protocol: /^https?$/, error: `write ${meaning}, starting with https:// or http://` });

/** An MCP server (Streamable HTTP) whose tools the run may call. Source: Task API, `mcp_servers[]`. */
export const McpServerEntry = z.strictObject({
  type: z.literal("url").default("url"),
  url: httpUrl("the URL of a Streamable HTTP MCP server"),
  name: z.string().min(1),
  /** Secret: never logged and never echoed. */
  headers: z.record(z.string(), z.string()).nullish(),
  allowed_tools: z.array(z.string()).nullish(),
});
export type McpServerEntry = z.infer<typeof McpServerEntry>;

/** Who is told when the run ends. Only `task_run.status` exists. Source: Task API, "Webhooks". */
export const Webhook = z.strictObject({
  url: httpUrl("the full URL that receives the webhook"),
  event_types: z.array(z.literal("task_run.status")).default([]),
});
export type Webhook = z.infer<typeof Webhook>;

/** Source: Task API, `advanced_settings`. `data_sources` is documented but not yet typed by the official client. */
export const AdvancedSettings = z.strictObject({
  location: z
    .string()
    .regex(/^[a-zA-Z]{2}$/, "write an ISO 3166-1 alpha-2 country code such as us or gb")
    .nullish(),
  data_sources: z
    .strictObject({
      free: z.array(z.string()).optional(),
      pay_per_use: z.array(z.string()).optional(),
    })
    .nullish(),
});
export type AdvancedSettings = z.infer<typeof AdvancedSettings>;

/** The body of `POST /v1/tasks/runs`. Strict: an unknown key is an error. Source: Task API, `RunInput`. */
export const RunInput = z.strictObject({
  input: z.union([z.string().min(1, "ask a question: input must not be empty"), JsonObject], {
    error: "input is required: a question as a string, or an object",
  }),
  processor: z.string({ error: "processor is required, for example base" }).min(1),
  task_spec: TaskSpec.nullish(),
  metadata: RunMetadata.nullish(),
  source_policy: SourcePolicy.nullish(),
  advanced_settings: AdvancedSettings.nullish(),
  previous_interaction_id: z.string().nullish(),
  mcp_servers: z
    .array(McpServerEntry)
    .max(RunInputLimits.mcpServers, `at most ${RunInputLimits.mcpServers} MCP servers per run`)
    .nullish(),
  enable_events: z.boolean().nullish(),
  memory_scope_key: z
    .string()
    .max(
      RunInputLimits.memoryScopeKeyChars,
      `memory_scope_key has at most ${RunInputLimits.memoryScopeKeyChars} characters; shorten it`,
    )
    .regex(/^[a-zA-Z0-9_-]+$/, "use letters, digits, underscores or hyphens for memory_scope_key")
    .nullish(),
  webhook: Webhook.nullish(),
});
export type RunInput = z.infer<typeof RunInput>;
