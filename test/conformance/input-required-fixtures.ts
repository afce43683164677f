import {
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
  acceptedContent,
  createRequestStateCodec,
  inputRequired,
} from "@modelcontextprotocol/server";
import { z } from "zod";

/** Seals what a server wants back in the next round. */
export const STATE_CODEC = createRequestStateCodec<{ step: number }>({ key: "fixture".repeat(8) });

type Answer = InputRequiredResult | { content: { type: "text"; text: string }[] };
type Requests = NonNullable<Parameters<typeof inputRequired>[0]["inputRequests"]>;

const done = (text: string): Answer => ({ content: [{ type: "text", text }] });
const ask = (message: string, field: string) =>
  inputRequired.elicit({
    message,
    requestedSchema: {
      type: "object",
      properties: { [field]: field === "ok" ? { type: "boolean" } : { type: "string" } },
      required: [field],
    },
  });
const sample = (text: string, maxTokens: number) =>
  inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text } }],
    maxTokens,
  });

/** Tools and a prompt that need something from the client before they can answer. */
export function addInputRequiredFixtures(server: McpServer): void {
  const tool = (name: string, answer: (ctx: ServerContext) => Answer | Promise<Answer>) =>
    server.registerTool(
      `test_${name}`,
      { description: "Asks the client", inputSchema: z.object({}) },
      (_args, ctx) => answer(ctx),
    );
  /** Asks until every one of the requests has an answer. */
  const until =
    (inputRequests: Requests, text: (ctx: ServerContext) => string) =>
    async (ctx: ServerContext): Promise<Answer> => {
      const given = ctx.mcpReq.inputResponses ?? {};
      const isComplete = Object.keys(inputRequests).every((key) => isObject(given[key]));
      return isComplete ? done(text(ctx)) : inputRequired({ inputRequests });
    };

  const name = { user_name: ask("What is your name?", "name") };
  tool(
    "input_required_result_elicitation",
    until(name, ({ mcpReq }) => {
      const accepted = acceptedContent<{ name: string }>(mcpReq.inputResponses, "user_name");
      return `Hello, ${accepted?.name ?? "you"}!`;
    }),
  );
  tool(
    "input_required_result_sampling",
    until({ capital_question: sample("What is the capital of France?", 100) }, ({ mcpReq }) =>
      JSON.stringify(mcpReq.inputResponses),
    ),
  );
  tool(
    "input_required_result_list_roots",
    until({ client_roots: inputRequired.listRoots() }, ({ mcpReq }) =>
      JSON.stringify(mcpReq.inputResponses),
    ),
  );
  tool(
    "streaming_elicitation",
    until(name, () => "Streamed."),
  );
  // The SDK refuses what the client did not declare.
  tool(
    "missing_capability",
    until({ question: sample("Anything?", 10) }, () => "Unexpected."),
  );

  const confirm = { confirm: ask("Please confirm", "ok") };
  for (const stateful of ["request_state", "tampered_state"]) {
    tool(`input_required_result_${stateful}`, async ({ mcpReq }) =>
      mcpReq.requestState<{ step: number }>() === undefined
        ? inputRequired({
            inputRequests: confirm,
            requestState: await STATE_CODEC.mint({ step: 1 }),
          })
        : done("state-ok"),
    );
  }
  tool("input_required_result_multiple_inputs", async ({ mcpReq }) =>
    mcpReq.requestState<{ step: number }>() === undefined
      ? inputRequired({
          inputRequests: {
            ...name,
            greeting: sample("Generate a greeting", 50),
            client_roots: inputRequired.listRoots(),
          },
          requestState: await STATE_CODEC.mint({ step: 1 }),
        })
      : done("All there."),
  );
  tool("input_required_result_multi_round", async ({ mcpReq }) => {
    const step = mcpReq.requestState<{ step: number }>()?.step ?? 0;
    const questions = [
      { step1: ask("Step 1: What is your name?", "name") },
      { step2: ask("Step 2: What is your favorite color?", "color") },
    ];
    const inputRequests = questions[step];
    if (inputRequests === undefined) return done("All rounds done.");
    return inputRequired({
      inputRequests,
      requestState: await STATE_CODEC.mint({ step: step + 1 }),
    });
  });
  tool("input_required_result_capabilities", ({ mcpReq }) => {
    const declared = z
      .looseObject({})
      .catch({})
      .parse(
        Object.entries(mcpReq.envelope ?? {}).find(
          ([key]) => key === CLIENT_CAPABILITIES_META_KEY,
        )?.[1],
      );
    const inputRequests: Requests = {
      ...(declared["sampling"] !== undefined && { sampled: sample("Anything?", 10) }),
      ...(declared["elicitation"] !== undefined && name),
    };
    return Object.keys(inputRequests).length === 0
      ? done("Nothing to ask.")
      : inputRequired({ inputRequests });
  });

  server.registerPrompt(
    "test_input_required_result_prompt",
    { description: "Asks the client" },
    ({ mcpReq }: ServerContext) => {
      const context = acceptedContent<{ context: string }>(mcpReq.inputResponses, "user_context");
      if (context === undefined) {
        const question = ask("What context should the prompt use?", "context");
        return inputRequired({ inputRequests: { user_context: question } });
      }
      return { messages: [{ role: "user", content: { type: "text", text: context.context } }] };
    },
  );
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
