import {
  InMemoryServerEventBus,
  McpServer,
  type McpServerFactory,
  ResourceTemplate,
  type ServerEventBus,
  completable,
  fromJsonSchema,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { STATE_CODEC, addInputRequiredFixtures } from "./input-required-fixtures.ts";

/** The smallest picture and the shortest sound there are. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

const text = (value: string) => ({ type: "text" as const, text: value });
const image = { type: "image" as const, data: PNG, mimeType: "image/png" };
const embedded = (uri: string, mimeType: string, value: string) => ({
  type: "resource" as const,
  resource: { uri, mimeType, text: value },
});
const noArguments = z.object({});

/** What all requests share: what is offered at the moment, and where changes of it are told. */
interface World {
  bus: ServerEventBus;
  changes: { tools: number; prompts: number };
}

/**
 * What the official conformance suite asks of any server: tools, resources and prompts under fixed names. It tests how
 * requests travel through our HTTP wiring, not what our tools do; it is not shipped.
 */
export function createFixtures(): { factory: McpServerFactory; bus: ServerEventBus } {
  const bus = new InMemoryServerEventBus();
  const world: World = { bus, changes: { tools: 0, prompts: 0 } };
  return { factory: () => createFixtureServer(world), bus };
}

function createFixtureServer(world: World): McpServer {
  const server = new McpServer(
    { name: "conformance-fixtures", version: "1" },
    {
      capabilities: { logging: {}, resources: { subscribe: true } },
      requestState: { verify: STATE_CODEC.verify },
    },
  );
  addTools(server);
  addChanges(server, world);
  addInputRequiredFixtures(server);
  addResources(server);
  addPrompts(server);
  return server;
}

function addTools(server: McpServer): void {
  const returns = (
    name: string,
    ...content: ReturnType<typeof text | typeof embedded>[] | [typeof image]
  ) =>
    server.registerTool(name, { description: name, inputSchema: noArguments }, () => ({ content }));
  returns("test_simple_text", text("This is a simple text response for testing."));
  returns("test_image_content", image);
  server.registerTool(
    "test_audio_content",
    { description: "A sound", inputSchema: noArguments },
    () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] }),
  );
  returns(
    "test_embedded_resource",
    embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
  );
  server.registerTool(
    "test_multiple_content_types",
    { description: "Several kinds of content", inputSchema: noArguments },
    () => ({
      content: [
        text("Multiple content types test:"),
        image,
        embedded(
          "test://mixed-content-resource",
          "application/json",
          '{"test":"data","value":123}',
        ),
      ],
    }),
  );
  server.registerTool(
    "test_error_handling",
    { description: "Always fails", inputSchema: noArguments },
    () => {
      throw new Error("This tool intentionally returns an error for testing");
    },
  );
  for (const name of ["test_tool_with_logging", "test_logging_tool"]) {
    server.registerTool(
      name,
      { description: "Logs", inputSchema: noArguments },
      async (_args, ctx) => {
        for (const line of ["started", "processing data", "completed"]) {
          // The suite of 2025-11-25 asks for what 2026-07-28 has marked as old.
          // oxlint-disable-next-line typescript/no-deprecated
          await ctx.mcpReq.log("info", `Tool ${line}`);
        }
        return { content: [text("Logged.")] };
      },
    );
  }
  server.registerTool(
    "test_tool_with_progress",
    { description: "Sends progress", inputSchema: noArguments },
    async (_args, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
        await mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken: progressToken ?? 0, progress, total: 100 },
        });
      }
      return { content: [text("Done.")] };
    },
  );
  server.registerTool(
    "test_x_mcp_header",
    {
      description: "Has an argument that travels as a header, too",
      inputSchema: z.object({ region: z.string().meta({ "x-mcp-header": "Region" }) }),
    },
    ({ region }) => ({ content: [text(region)] }),
  );
  server.registerTool(
    "json_schema_2020_12_tool",
    { description: "Its schema must arrive whole", inputSchema: fromJsonSchema(RICH_SCHEMA) },
    () => ({ content: [text("Reached.")] }),
  );
}

/** A schema of keywords that zod does not write: an anchor, composition and a condition. */
const RICH_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: { $anchor: "place", type: "object", properties: { city: { type: "string" } } },
  },
  properties: {
    home: { $ref: "#/$defs/address" },
    channel: { enum: ["post", "mail"] },
    mail: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["home"] }, { required: ["mail"] }] }],
  if: { properties: { channel: { const: "mail" } }, required: ["channel"] },
  // A keyword of the schema; nobody awaits it.
  // oxlint-disable-next-line unicorn/no-thenable
  then: { required: ["mail"] },
  else: { required: ["home"] },
  additionalProperties: false,
};

/** Tools that change what every later request is offered, and tell of it whoever listens. */
function addChanges(server: McpServer, { bus, changes }: World): void {
  const say = (name: string, said: string, change = () => {}) =>
    server.registerTool(name, { description: name, inputSchema: noArguments }, () => {
      change();
      return { content: [text(said)] };
    });
  say("test_trigger_tool_change", "There is one tool more.", () => {
    changes.tools += 1;
    bus.publish({ kind: "tools_list_changed" });
  });
  say("test_trigger_prompt_change", "There is one prompt more.", () => {
    changes.prompts += 1;
    bus.publish({ kind: "prompts_list_changed" });
  });
  for (let added = 1; added <= changes.tools; added += 1) say(`added_tool_${added}`, "New.");
  for (let added = 1; added <= changes.prompts; added += 1) {
    server.registerPrompt(`added_prompt_${added}`, { description: "New" }, () => ({
      messages: [{ role: "user", content: text("New.") }],
    }));
  }
}

function addResources(server: McpServer): void {
  const add = (name: string, content: string) =>
    server.registerResource(name, `test://${name}`, {}, ({ href: uri }) => ({
      contents: [{ uri, mimeType: "text/plain", text: content }],
    }));
  add("static-text", "This is the content of the static text resource.");
  add("watched-resource", "Watched.");
  server.registerResource("static-binary", "test://static-binary", {}, ({ href: uri }) => ({
    contents: [{ uri, mimeType: "image/png", blob: PNG }],
  }));
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { description: "A template" },
    ({ href: uri }, { id }) => {
      const data = { id, templateTest: true, data: `Data for ID: ${String(id)}` };
      return { contents: [{ uri, mimeType: "application/json", text: JSON.stringify(data) }] };
    },
  );
  // Nothing changes here, so there is nothing to remember.
  server.server.setRequestHandler("resources/subscribe", () => ({}));
  server.server.setRequestHandler("resources/unsubscribe", () => ({}));
}

function addPrompts(server: McpServer): void {
  const user = <Content>(content: Content) => ({ role: "user" as const, content });
  server.registerPrompt("test_simple_prompt", { description: "Simple" }, () => ({
    messages: [user(text("This is a simple prompt for testing."))],
  }));
  const words = ["paris", "park", "party"];
  server.registerPrompt(
    "test_prompt_with_arguments",
    {
      description: "With arguments",
      argsSchema: z.object({
        arg1: completable(z.string(), (typed) => words.filter((word) => word.startsWith(typed))),
        arg2: z.string(),
      }),
    },
    ({ arg1, arg2 }) => ({
      messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
    }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "With a resource", argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => ({
      messages: [
        user(embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
        user(text("Please process the embedded resource above.")),
      ],
    }),
  );
  server.registerPrompt("test_prompt_with_image", { description: "With an image" }, () => ({
    messages: [user(image), user(text("Please analyze the image above."))],
  }));
}
