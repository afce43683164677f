import { expect, test } from "vitest";
import { pickSearchTool } from "../../../../src/engine/research/pick-search-tool.ts";
import type { RunTool } from "../../../../src/engine/mcp-servers/run-mcp-servers.ts";

const text = { type: "string" };

function tool(name: string, more: Partial<RunTool> = {}): RunTool {
  return {
    name,
    description: "",
    inputSchema: { type: "object", properties: { query: text }, required: ["query"] },
    changesThings: false,
    isAllowedByName: false,
    ...more,
  };
}

const withSchema = (
  properties: Record<string, unknown>,
  required?: string[],
): Partial<RunTool> => ({
  inputSchema: { type: "object", properties, ...(required && { required }) },
});

test.each([
  [["list_pages", "web_search", "fetch"], "web_search"],
  [["find_place", "searchDocs"], "searchDocs"],
  [["get_answer", "ask_question"], "ask_question"],
  [["brave-web-search", "brave-local-search"], "brave-web-search"],
  [["lookup"], "lookup"],
  [["SEARCH"], "SEARCH"],
])("of %j it picks %s", (names, picked) => {
  expect(pickSearchTool(names.map((name) => tool(name)))?.tool.name).toBe(picked);
});

test("a name decides before a description, and a description before nothing", () => {
  const told = tool("exa", { description: "Searches the web for pages" });
  expect(pickSearchTool([told, tool("lookup")])?.tool.name).toBe("lookup");
  expect(pickSearchTool([tool("other"), told])?.tool.name).toBe("exa");
  expect(pickSearchTool([tool("other", { description: "Sends the mail" })])).toBeNull();
  expect(pickSearchTool([])).toBeNull();
});

test.each([
  "save_search",
  "delete_query",
  "createSearchIndex",
  "update_lookup_table",
  "send_query",
])("%s is not called for its name, unless allowed_tools names it", (name) => {
  expect(pickSearchTool([tool(name)])).toBeNull();
  expect(pickSearchTool([tool(name, { isAllowedByName: true })])?.tool.name).toBe(name);
});

test("a tool that says it changes things needs allowed_tools", () => {
  expect(pickSearchTool([tool("search", { changesThings: true })])).toBeNull();
  const named = tool("search", { changesThings: true, isAllowedByName: true });
  expect(pickSearchTool([named])).not.toBeNull();
});

test.each<[string, Partial<RunTool>, string | null]>([
  [
    "the required one",
    withSchema({ objective: text, limit: { type: "integer" } }, ["objective"]),
    "objective",
  ],
  ["whatever its name", withSchema({ terms: text }, ["terms"]), "terms"],
  ["an optional one named like a query", withSchema({ q: text, lang: text }), "q"],
  ["one that may be null", withSchema({ query: { type: ["string", "null"] } }, ["query"]), "query"],
  ["not two required ones", withSchema({ query: text, site: text }, ["query", "site"]), null],
  ["not one of two optional ones", withSchema({ query: text, question: text }), null],
  ["not an optional one of another name", withSchema({ language: text }), null],
  ["not a number", withSchema({ query: { type: "integer" } }, ["query"]), null],
  ["not a choice", withSchema({ query: { type: "string", enum: ["a"] } }, ["query"]), null],
  ["not an address", withSchema({ url: text }, ["url"]), null],
  ["not an identifier", withSchema({ page_id: text }, ["page_id"]), null],
  [
    "not a formatted text",
    withSchema({ when: { type: "string", format: "date" } }, ["when"]),
    null,
  ],
  ["nothing of a broken schema", { inputSchema: { properties: 7, required: "x" } }, null],
])("the argument is %s", (_case, schema, argument) => {
  expect(pickSearchTool([tool("search", schema)])?.argument ?? null).toBe(argument);
});

test("the question is as long as the tool takes, and at most 1,000 characters", () => {
  const limited = withSchema({ query: { type: "string", maxLength: 400 } }, ["query"]);
  expect(pickSearchTool([tool("search", limited)])?.maxChars).toBe(400);
  expect(pickSearchTool([tool("search")])?.maxChars).toBe(1_000);
});
