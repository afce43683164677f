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
 * How much of the contract to check: `all` of it, as a server does; all but for what our engine takes beyond it
 * (`extended`); or without that and without the rules on which the API's sources disagree (`undisputed`), as a caller
 * does, because the server decides on them. Source: Task API, "Where sources disagree".
 */
type Rules = "all" | "extended" | "undisputed";

/** The schema with checks that only `all` rules have. */
function disputed<Schema>(
  rules: Rules,
  schema: Schema,
  withChecks: (schema: Schema) => Schema,
): Schema {
  return rules === "undisputed" ? schema : withChecks(schema);
}

/** Labels of a run. The API's schema admits numbers and booleans as values and any length, its prose does not. */
function metadataBy(rules: Rules) {
  const { metadataKeyChars, metadataValueChars } = RunInputLimits;
  return z.record(
    disputed(rules, z.string(), (key) =>
      key
        .min(1, "a metadata key must not be empty")
        .max(
          metadataKeyChars,
          `a metadata key has at most ${metadataKeyChars} characters; shorten it`,
        ),
    ),
    z.union(
      [
        disputed(rules, z.string(), (value) =>
          value.max(
            metadataValueChars,
            `a metadata value has at most ${metadataValueChars} characters; shorten it`,
          ),
        ),
        z.number(),
        z.boolean(),
      ],
      { error: "write a metadata value as a string, a number or a boolean" },
    ),
    // A bad key is one issue around the key's own; its message is the one that helps.
    { error: (issue) => (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) },
  );
}
export const RunMetadata = metadataBy("all");
export type RunMetadata = z.infer<typeof RunMetadata>;

const DOMAIN = /^(?!.*(:|\?|#|\*|\s))[^/]+(\/.*)?$/;
/** Wildcards are disputed. */
const DOMAIN_OR_WILDCARD = /^(?!.*(:|\?|#|\s))[^/]+(\/.*)?$/;
/** `/srv/handbook`, `./what?.md`, `file:///srv/a.md`, `HR rules/leave.md`; a bare name of several words without a dot. */
const DOCUMENT_PATH =
  /^(?:\.?\/|file:\/\/|[a-z]:[\\/])|^[^\s:?#*][^:?#*]*\/[^:?#*]*$|^[^\s:?#*.,/][^:?#*.,]*[^\s:?#*.,]$/i;

/**
 * `example.com`, `sub.example.com`, `example.com/path` or a suffix such as `.gov`; never a URL. For our engine also a
 * folder or a file of its documents.
 */
function domainBy(rules: Rules) {
  const error =
    "write a plain domain (example.com) or a suffix (.gov): no scheme, port, query or wildcard";
  switch (rules) {
    case "all":
      return z.string().regex(DOMAIN, error);
    case "extended":
      return z.string().refine((text) => DOMAIN.test(text) || DOCUMENT_PATH.test(text), error);
    case "undisputed":
      return z
        .string()
        .refine((text) => DOMAIN_OR_WILDCARD.test(text) || DOCUMENT_PATH.test(text), error);
  }
}

/** Which sources a run may use. An apex domain covers its subdomains. Source: Task API, `SourcePolicy`. */
function sourcePolicyBy(rules: Rules) {
  return z
    .strictObject({
      include_domains: z.array(domainBy(rules)).optional(),
      exclude_domains: z.array(domainBy(rules)).optional(),
      after_date: z.iso.date("write the date as YYYY-MM-DD").nullish(),
    })
    .refine(
      (policy) =>
        (policy.include_domains?.length ?? 0) + (policy.exclude_domains?.length ?? 0) <=
        RunInputLimits.sourcePolicyDomains,
      `include_domains and exclude_domains hold at most ${RunInputLimits.sourcePolicyDomains} entries together`,
    );
}
export const SourcePolicy = sourcePolicyBy("all");
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

/** Where the server reports that the run ended. Only `task_run.status` exists. Source: Task API, "Webhooks". */
export const Webhook = z.strictObject({
  url: httpUrl("the full URL that receives the webhook"),
  event_types: z.array(z.literal("task_run.status")).default([]),
});
export type Webhook = z.infer<typeof Webhook>;

/** Source: Task API, `advanced_settings`. `data_sources` is documented but not yet typed by the official client. */
function advancedSettingsBy(rules: Rules) {
  return z.strictObject({
    location: disputed(rules, z.string(), (code) =>
      code.regex(/^[a-zA-Z]{2}$/, "write an ISO 3166-1 alpha-2 country code such as us or gb"),
    ).nullish(),
    data_sources: z
      .strictObject({
        free: z.array(z.string()).optional(),
        pay_per_use: z.array(z.string()).optional(),
      })
      .nullish(),
  });
}
export const AdvancedSettings = advancedSettingsBy("all");
export type AdvancedSettings = z.infer<typeof AdvancedSettings>;

function runInputBy(
  rules: Rules,
  parts: {
    metadata: ReturnType<typeof metadataBy>;
    sourcePolicy: ReturnType<typeof sourcePolicyBy>;
    advancedSettings: ReturnType<typeof advancedSettingsBy>;
  },
) {
  return z.strictObject({
    input: z.union(
      [
        disputed(rules, z.string(), (question) =>
          question.min(1, "ask a question: input must not be empty"),
        ),
        JsonObject,
      ],
      { error: "input is required: a question as a string, or an object" },
    ),
    processor: z.string({ error: "processor is required, for example base" }).min(1),
    task_spec: TaskSpec.nullish(),
    metadata: parts.metadata.nullish(),
    source_policy: parts.sourcePolicy.nullish(),
    advanced_settings: parts.advancedSettings.nullish(),
    previous_interaction_id: z.string().nullish(),
    mcp_servers: disputed(rules, z.array(McpServerEntry), (servers) =>
      servers.max(
        RunInputLimits.mcpServers,
        `at most ${RunInputLimits.mcpServers} MCP servers per run`,
      ),
    ).nullish(),
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
}

/** The body of `POST /v1/tasks/runs`. Strict: an unknown key is an error. Source: Task API, `RunInput`. */
export const RunInput = runInputBy("all", {
  metadata: RunMetadata,
  sourcePolicy: SourcePolicy,
  advancedSettings: AdvancedSettings,
});
export type RunInput = z.infer<typeof RunInput>;

/** The same body as our engine takes it: `source_policy` may name folders and files of its documents. */
export const ExtendedRunInput = runInputBy("extended", {
  metadata: RunMetadata,
  sourcePolicy: sourcePolicyBy("extended"),
  advancedSettings: AdvancedSettings,
});

/** The same body as a caller checks it before it is sent: rules that sources disagree on are the server's to judge. */
export const UndisputedRunInput = runInputBy("undisputed", {
  metadata: metadataBy("undisputed"),
  sourcePolicy: sourcePolicyBy("undisputed"),
  advancedSettings: advancedSettingsBy("undisputed"),
});
