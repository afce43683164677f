import { describe, expect, it } from "vitest";
import { RunInput, RunInputLimits, UndisputedRunInput } from "../../src/task-api/run-input.ts";

const question = { input: "When was the Lumen Observatory founded?", processor: "base" };

const everything = {
  input: { observatory: "Lumen Observatory", year: 1962 },
  processor: "core",
  task_spec: {
    input_schema: { type: "json", json_schema: { type: "object", properties: {} } },
    output_schema: { type: "json", json_schema: { type: "object", properties: {} } },
  },
  metadata: { batch: "nightly", row: 12, urgent: false },
  source_policy: {
    include_domains: ["example.org", "docs.example.org/guide", ".gov"],
    exclude_domains: ["example.net"],
    after_date: "2024-02-29",
  },
  advanced_settings: { location: "nz", data_sources: { free: ["pubmed"], pay_per_use: [] } },
  previous_interaction_id: "trun_0123456789abcdef0123456789abcdef",
  mcp_servers: [
    {
      type: "url",
      url: "https://tools.example.org/mcp",
      name: "library",
      headers: { Authorization: "Bearer made-up" },
      allowed_tools: ["search"],
    },
  ],
  enable_events: true,
  memory_scope_key: "team_7-b",
  webhook: { url: "https://example.org/hook", event_types: ["task_run.status"] },
};

/** What is wrong with the question once these fields are added to it: the place, and the words. */
function problems(fields: Record<string, unknown>): string[] {
  const parsed = RunInput.safeParse({ ...question, ...fields });
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("a create request", () => {
  it("needs no more than a question and a processor", () => {
    expect(RunInput.parse(question)).toEqual(question);
  });

  it("keeps every documented field as it was sent", () => {
    expect(RunInput.parse(everything)).toEqual(everything);
  });

  it("takes null for every field that may be left out", () => {
    const optional = Object.keys(everything).filter((field) => !(field in question));
    const nulls = Object.fromEntries(optional.map((field) => [field, null]));
    expect(RunInput.parse({ ...question, ...nulls })).toEqual({ ...question, ...nulls });
  });

  it.each([
    ["", { priority: 1 }],
    ["source_policy", { source_policy: { include_domain: [] } }],
    ["advanced_settings", { advanced_settings: { country: "nz" } }],
    ["advanced_settings.data_sources", { advanced_settings: { data_sources: { paid: [] } } }],
    ["mcp_servers.0", { mcp_servers: [{ url: "https://a.example", name: "a", token: "x" }] }],
    ["webhook", { webhook: { url: "https://a.example", secret: "x" } }],
    ["task_spec", { task_spec: { output_schema: "a list", output: "a list" } }],
    ["task_spec.output_schema", { task_spec: { output_schema: { type: "auto", depth: 1 } } }],
  ])("refuses an unknown field in %j", (place, fields) => {
    expect(problems(fields)).toEqual([expect.stringMatching(/^[\w.]*: Unrecognized key/)]);
    expect(problems(fields)[0]?.split(":")[0]).toBe(place);
  });

  it.each([
    [
      "no input",
      { input: undefined },
      "input: input is required: a question as a string, or an object",
    ],
    [
      "a number as input",
      { input: 4 },
      "input: input is required: a question as a string, or an object",
    ],
    [
      "a list as input",
      { input: ["a"] },
      "input: input is required: a question as a string, or an object",
    ],
    ["an empty question", { input: "" }, "input: ask a question: input must not be empty"],
    [
      "no processor",
      { processor: undefined },
      "processor: processor is required, for example base",
    ],
  ])("says what to do about %s", (_, fields, problem) => {
    expect(problems(fields)).toEqual([problem]);
  });

  it("leaves the choice of processors to the server", () => {
    expect(problems({ processor: "made-next-year" })).toEqual([]);
    expect(problems({ processor: "" })).toHaveLength(1);
  });
});

describe("the limits of a create request", () => {
  const { metadataKeyChars, metadataValueChars, sourcePolicyDomains, mcpServers } = RunInputLimits;
  const domains = (count: number) => Array.from({ length: count }, (_, i) => `site-${i}.example`);
  const servers = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ url: "https://tools.example/mcp", name: `s${i}` }));

  it("are the documented ones", () => {
    expect(RunInputLimits).toEqual({
      metadataKeyChars: 16,
      metadataValueChars: 512,
      sourcePolicyDomains: 200,
      mcpServers: 10,
      memoryScopeKeyChars: 128,
      taskSpecChars: 15_000,
      taskSpecAndInputChars: 25_000,
    });
  });

  it.each([
    ["a metadata key", { metadata: { ["k".repeat(metadataKeyChars)]: "v" } }],
    ["a metadata value", { metadata: { k: "v".repeat(metadataValueChars) } }],
    [
      "included and excluded domains",
      {
        source_policy: {
          include_domains: domains(sourcePolicyDomains / 2),
          exclude_domains: domains(sourcePolicyDomains / 2),
        },
      },
    ],
    ["MCP servers", { mcp_servers: servers(mcpServers) }],
    ["a memory scope key", { memory_scope_key: "k".repeat(128) }],
  ])("allow %s up to the limit", (_, fields) => {
    expect(problems(fields)).toEqual([]);
  });

  it.each([
    [
      "a longer metadata key",
      { metadata: { ["k".repeat(metadataKeyChars + 1)]: "v" } },
      "a metadata key has at most 16 characters; shorten it",
    ],
    ["an empty metadata key", { metadata: { "": "v" } }, "a metadata key must not be empty"],
    [
      "a longer metadata value",
      { metadata: { k: "v".repeat(metadataValueChars + 1) } },
      "a metadata value has at most 512 characters; shorten it",
    ],
    [
      "a metadata value that is an object",
      { metadata: { k: {} } },
      "write a metadata value as a string, a number or a boolean",
    ],
    [
      "one domain more",
      {
        source_policy: {
          include_domains: domains(sourcePolicyDomains),
          exclude_domains: ["one.example"],
        },
      },
      "include_domains and exclude_domains hold at most 200 entries together",
    ],
    [
      "one MCP server more",
      { mcp_servers: servers(mcpServers + 1) },
      "at most 10 MCP servers per run",
    ],
    [
      "a longer memory scope key",
      { memory_scope_key: "k".repeat(129) },
      "memory_scope_key has at most 128 characters; shorten it",
    ],
    [
      "a memory scope key with a space",
      { memory_scope_key: "team 7" },
      "use letters, digits, underscores or hyphens for memory_scope_key",
    ],
  ])("refuse %s", (_, fields, message) => {
    expect(problems(fields)).toEqual([expect.stringContaining(message)]);
  });
});

describe("a source policy", () => {
  it.each(["example.com", "a.b.example.com", ".gov", ".co.uk", "docs.example.com/3/Library"])(
    "takes the domain %s",
    (domain) => {
      expect(problems({ source_policy: { include_domains: [domain] } })).toEqual([]);
    },
  );

  it.each([
    "https://example.com",
    "example.com:8080",
    "example.com?q=1",
    "example.com#top",
    "*.org",
    "exam ple.com",
    "example.com\nhttps://evil.example",
    "/path",
    "",
  ])("refuses the domain %j", (domain) => {
    expect(problems({ source_policy: { exclude_domains: [domain] } })).toEqual([
      expect.stringContaining("write a plain domain (example.com) or a suffix (.gov)"),
    ]);
  });

  it.each(["2023-02-29", "29/02/2024", "2024-2-9", "2024-02-09T00:00:00Z"])(
    "refuses the date %s",
    (date) => {
      expect(problems({ source_policy: { after_date: date } })).toEqual([
        "source_policy.after_date: write the date as YYYY-MM-DD",
      ]);
    },
  );
});

describe("addresses and codes", () => {
  it.each(["javascript:alert(1)", "file:///etc/passwd", "ftp://example.org/x", "example.org", ""])(
    "refuse %j as the URL of an MCP server or a webhook",
    (url) => {
      expect(problems({ webhook: { url } })).toEqual([
        "webhook.url: write the full URL that receives the webhook, starting with https:// or http://",
      ]);
      expect(problems({ mcp_servers: [{ url, name: "a" }] })).toEqual([
        "mcp_servers.0.url: write the URL of a Streamable HTTP MCP server, starting with https:// or http://",
      ]);
    },
  );

  it("let a webhook go to a machine without a public name", () => {
    expect(problems({ webhook: { url: "http://localhost:8080/hook" } })).toEqual([]);
  });

  it("know one kind of MCP server and one kind of webhook event", () => {
    const server = { url: "https://tools.example/mcp", name: "a" };
    expect(RunInput.parse({ ...question, mcp_servers: [server] }).mcp_servers).toEqual([
      { type: "url", ...server },
    ]);
    expect(problems({ mcp_servers: [{ ...server, type: "stdio" }] })).toHaveLength(1);
    expect(
      problems({ webhook: { url: "https://a.example", event_types: ["run.done"] } }),
    ).toHaveLength(1);
  });

  it("refuse a location that is no country code", () => {
    expect(problems({ advanced_settings: { location: "New Zealand" } })).toEqual([
      expect.stringContaining("write an ISO 3166-1 alpha-2 country code"),
    ]);
  });
});

describe("the rules on which sources disagree", () => {
  it.each([
    ["a long metadata key", { metadata: { "a-key-of-17-chars": "x" } }],
    ["an empty metadata key", { metadata: { "": "x" } }],
    ["a long metadata value", { metadata: { k: "x".repeat(513) } }],
    ["a wildcard domain", { source_policy: { include_domains: ["*.gov"] } }],
    ["a location of three letters", { advanced_settings: { location: "usa" } }],
    ["an empty question", { input: "" }],
    [
      "eleven MCP servers",
      {
        mcp_servers: Array.from({ length: 11 }, (_, i) => ({
          type: "url",
          url: "https://tools.example/mcp",
          name: `s${i}`,
        })),
      },
    ],
  ])("are kept by a server and left to it by a caller: %s", (_, fields) => {
    expect(problems(fields)).toHaveLength(1);
    const sent = { ...question, ...fields };
    expect(UndisputedRunInput.parse(sent)).toEqual(sent);
  });

  it.each([
    ["a URL for a domain", { source_policy: { include_domains: ["https://a.example"] } }],
    ["a metadata value that is an object", { metadata: { k: {} } }],
    ["an unknown field", { advanced_settings: { country: "nz" } }],
    ["a number as input", { input: 4 }],
  ])("are the only ones left to it: %s", (_, fields) => {
    expect(UndisputedRunInput.safeParse({ ...question, ...fields }).success).toBe(false);
  });
});
