import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readingBudget } from "../../../src/engine/research/budgets.ts";
import type { OpenMcpServers } from "../../../src/engine/research/ask-mcp-servers.ts";
import { createExtractiveExecutor } from "../../../src/engine/executors/extractive/extractive-executor.ts";
import type { ProgressEvent } from "../../../src/task-api/run-event.ts";
import { RunInput } from "../../../src/task-api/run-input.ts";
import { PROCESSORS } from "../../../src/task-api/processors.ts";
import { createManualClock, type ManualClock } from "../../client/manual-clock.ts";
import { createOpenMcpServers, startMcpServer } from "../mcp-servers/mcp-fixtures.ts";
import { startServer } from "../outgoing/guarded-servers.ts";
import { createDatabase, createFolder, createLog } from "../sources/document-fixtures.ts";
import { deferred } from "../start-test-engine.ts";
import { answerOf, fieldsSpec, insertRun, jsonOf } from "./run-extractive.ts";

/** Each of these answers the question about the Zorn; the second less well. */
const RIVERS = {
  "zorn.md":
    "# The river Zorn\n\nThe river Zorn is 97 kilometres long. Its mouth is at Rohrwiller.\n",
  "moder.md": "# The river Moder\n\nNear the river Zorn, which is long, is the Moder.\n",
  "sauer.md": "# The river Sauer\n\nThe river Sauer is as long as the river Zorn is not.\n",
};
const QUESTION = "How long is the river Zorn?";

interface Options {
  clock: ManualClock;
  onEvent?: (event: ProgressEvent) => void;
  openMcpServers?: OpenMcpServers;
  folder?: Record<string, string>;
}

async function perform(
  input: Partial<RunInput>,
  { clock, onEvent, openMcpServers, folder = RIVERS }: Options,
) {
  const { db } = await createDatabase();
  const executor = await createExtractiveExecutor({
    db,
    folders: [await createFolder(folder)],
    log: createLog().log,
    clock,
    openMcpServers,
  });
  const events: ProgressEvent[] = [];
  const result = await executor.execute({
    runId: await insertRun(db),
    createdMs: Date.now(),
    input: RunInput.parse({ input: QUESTION, processor: "lite", ...input }),
    previous: [],
    signal: new AbortController().signal,
    report: async (event) => {
      events.push(event);
      onEvent?.(event);
    },
  });
  const messages = result.warnings.map(({ message }) => message);
  const read = events.filter(({ type }) => type === "task_run.progress_stats").length;
  return { ...result, messages, read };
}

test.each(PROCESSORS.filter(({ name }) => !name.endsWith("-fast")))(
  "$name has as much time as its fast variant takes at most at the hosted API",
  ({ name }) => {
    const fast = PROCESSORS.find((processor) => processor.name === `${name}-fast`);
    expect(readingBudget(name).seconds).toBe(fast?.latencySeconds.to);
  },
);

test("the operator's guide has the budget of each processor", async () => {
  const guide = await readFile(new URL("../../../docs/engine.md", import.meta.url), "utf8");
  const [, table = ""] = guide.split("| processor | seconds |");
  const rows = [...(table.split("\n\n")[0] ?? "").matchAll(/^\| `(\w+)`.*$/gm)].map(([row]) =>
    row.split("|").map((cell) => cell.trim().replaceAll("`", "")),
  );
  const expected = PROCESSORS.filter(({ name }) => !name.endsWith("-fast")).map(({ name }) => {
    const { seconds, chars } = readingBudget(name);
    return ["", name, seconds.toLocaleString("en-US"), chars.toLocaleString("en-US"), ""];
  });
  expect(rows).toEqual(expected);
});

test("when the time is over, no further document is read, and the answer is what was found", async () => {
  const clock = createManualClock();
  const slow = await perform({}, { clock, onEvent: passTimeAfter(clock, "stats", 20_000) });
  expect(slow.read).toBe(1);
  expect(answerOf(slow)).toContain("97 kilometres");
  expect(slow.messages).toContainEqual(
    expect.stringMatching(/^The 20 s that processor lite has were over before everything/),
  );

  const quick = await perform({}, { clock, onEvent: passTimeAfter(clock, "stats", 6_000) });
  expect(quick.read).toBe(3);
  expect(quick.messages.join()).not.toContain("were over");
});

test("time that passes while the folder is indexed is not the run's", async () => {
  const clock = createManualClock();
  const { messages } = await perform(
    {},
    { clock, onEvent: passTimeAfter(clock, "exec_status", 60_000) },
  );
  expect(messages.join()).not.toContain("were over");
});

test("fields that there was no time to look for are empty, and said to be so", async () => {
  const clock = createManualClock();
  const spec = fieldsSpec({
    long: { type: ["number", "null"], description: "How long the river is, in kilometres" },
    places: {
      type: "object",
      properties: {
        mouth: { type: "string", description: "Where the mouth of the Zorn is" },
        rapids: { type: "array", items: { type: "string" }, description: "Rapids" },
      },
      required: ["mouth", "rapids"],
    },
  });
  const run = await perform(spec, { clock, onEvent: passTimeAfter(clock, "stats", 20_000) });
  const { content, basis } = jsonOf(run);
  expect(content).toEqual({ long: 97, places: { mouth: "", rapids: [] } });
  expect(basis.map(({ reasoning }) => /time of the run was over/.test(reasoning))).toEqual([
    false,
    true,
    true,
  ]);
  expect(run.messages).toContainEqual(
    "There was no time left to look for places.mouth, places.rapids; left empty.",
  );
  expect(run.messages).toContainEqual(expect.stringMatching(/^The 20 s .* were over/));
});

test("an MCP server that keeps the run waiting costs neither the answers of others nor those of the folder", async () => {
  const clock = createManualClock();
  const hangs = deferred();
  const answered = deferred();
  const hanging = await startMcpServer([
    {
      name: "search",
      answer: () => {
        hangs.resolve();
        return new Promise(() => {});
      },
    },
  ]);
  const good = await startMcpServer([
    { name: "search", answer: () => "The river Zorn is 97 kilometres long, as all know." },
  ]);
  const open = createOpenMcpServers();
  const running = perform(
    {
      mcp_servers: [
        { type: "url", name: "hanging", url: hanging.endpoint },
        { type: "url", name: "good", url: good.endpoint },
      ],
      processor: "ultra",
    },
    {
      clock,
      openMcpServers: async (entries, signal) => {
        const opened = await open(entries, signal);
        const servers = opened.servers.map((server) => ({
          ...server,
          call: async (...args: Parameters<typeof server.call>) => {
            const outcome = await server.call(...args);
            if (server.name === "good") answered.resolve();
            return outcome;
          },
        }));
        return { ...opened, servers };
      },
    },
  );
  await Promise.all([hangs.promise, answered.promise]);
  clock.advance(299_000);
  expect(clock.sleepers).toBe(1);
  clock.advance(1_000);
  const { output, messages } = await running;
  expect(messages).toContain(
    "MCP server hanging was not used: no answer within the 300 s that this processor waits for MCP servers.",
  );
  expect(messages.join()).not.toContain("were over");
  expect(output.mcp_tool_calls).toMatchObject([
    { server_name: "hanging", content: null, error: expect.stringContaining("300 s") },
    { server_name: "good", error: null },
  ]);
  expect(output.content).toContain("The river Zorn is 97 kilometres long, as all know.");
  expect(output.content).toContain("The river Zorn is 97 kilometres long.");
  expect(clock.sleepers).toBe(0);
});

test("MCP servers that do not even connect in time are not asked, and the folder answers", async () => {
  const clock = createManualClock();
  const asked = deferred();
  const mute = await startServer(() => asked.resolve());
  const running = perform(
    { mcp_servers: [{ type: "url", name: "mute", url: `${mute.url}/mcp` }] },
    { clock, openMcpServers: createOpenMcpServers() },
  );
  await asked.promise;
  clock.advance(10_000);
  const run = await running;
  expect(run.messages).toContain(
    "MCP servers were not asked: connecting to them took longer than the 10 s that this processor waits for MCP servers.",
  );
  expect(answerOf(run)).toContain("97 kilometres");
  expect(clock.sleepers).toBe(0);
});

/** Lets time pass whenever such an event is reported. */
function passTimeAfter(clock: ManualClock, kind: string, ms: number) {
  return ({ type }: ProgressEvent) => {
    if (type.endsWith(kind)) clock.advance(ms);
  };
}
