import { createHash } from "node:crypto";
import { PassThrough } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { pino } from "pino";
import { z } from "zod";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { createClient } from "../../src/client/create-task-api-client.ts";
import { createFollowers, createGroupFollowers } from "../../src/client/follow/followers.ts";
import { createInProcessFetch } from "../../src/client/http/in-process-fetch.ts";
import { type Engine, type EngineDeps, createEngine } from "../../src/engine/engine.ts";
import { createExtractiveExecutor } from "../../src/engine/executors/extractive/extractive-executor.ts";
import { createScriptedExecutor } from "../../src/engine/executors/scripted/scripted-executor.ts";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import type { Backend } from "../../src/mcp/runs/backend.ts";
import { createPriceList } from "../../src/mcp/runs/price-list.ts";
import { createServerFactory } from "../../src/mcp/server.ts";
import { serveStdioTransport } from "../../src/transports/stdio/stdio.ts";
import { CAPITALS, CAPITAL_FIELDS, FORECASTS, LAST_STEP, TYPICAL_RUNS } from "./typical-runs.ts";

/** One call of a tool and what came back, the same every time it is made. */
const TypicalAnswer = z.object({
  /** Such as `06-still-running`: roughly the order in which agents meet them. */
  name: z.string(),
  tool: z.string(),
  args: z.record(z.string(), z.unknown()),
  isError: z.boolean(),
  texts: z.array(z.string()),
  /** Errors have none. */
  structuredContent: z.unknown().optional(),
});
export type TypicalAnswer = z.infer<typeof TypicalAnswer>;

const Answer = z.object({
  content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
  structuredContent: z
    .looseObject({ run_id: z.string().optional(), taskgroup_id: z.string().optional() })
    .optional(),
  isError: z.boolean().default(false),
});

const DOCUMENTS = fileURLToPath(new URL("../../examples/documents", import.meta.url));
const SHOWN_DOCUMENTS = "/home/ana/documents";
const silentLog = pino({ level: "silent" });

/** What the twenty most usual calls are answered with, and the list of tools, over a connection as hosts make it. */
export async function typicalAnswers(): Promise<{
  answers: TypicalAnswer[];
  tools: readonly unknown[];
}> {
  const time = createTime();
  const closing: (() => Promise<unknown>)[] = [];
  const answers: TypicalAnswer[] = [];

  async function open(kind: Backend["kind"], createExecutor: EngineDeps["createExecutor"]) {
    const engine = await createEngine({
      databasePath: ":memory:",
      createExecutor,
      prices: {},
      log: silentLog,
      clock: time.engineClock,
    });
    closing.push(() => engine.close());
    const { client, close } = await connect(engine, kind, time.clock);
    closing.push(close);

    /** Calls a tool a moment later; with a name, the answer is one of the twenty. */
    async function call(tool: string, args: Record<string, unknown>, name?: string) {
      time.pass();
      const result = Answer.parse(await client.callTool({ name: tool, arguments: args }));
      const { content, structuredContent, isError } = result;
      const texts = content.map(({ text }) => text);
      if (name !== undefined) answers.push({ name, tool, args, isError, texts, structuredContent });
      return { run_id: structuredContent?.run_id, taskgroup_id: structuredContent?.taskgroup_id };
    }
    return { engine, client, call };
  }

  try {
    const folder = await open("embedded", ({ db, log }) =>
      createExtractiveExecutor({ db, folders: [DOCUMENTS], log }),
    );
    const hosted = await open("hosted", () =>
      createScriptedExecutor({ script: TYPICAL_RUNS, clock: systemClock, log: silentLog }),
    );
    const { call, engine } = hosted;

    await folder.call(
      "create_task_run",
      { input: "What was the GDP of France in 2023?", wait_seconds: 20 },
      "02-create-and-wait",
    );
    const text = await call("create_task_run", {
      input: "When did Acme Robotics last raise money, how much, and from whom?",
      processor: "core",
      wait_seconds: 20,
    });
    await call("get_task_run", text, "08-completed-text");
    const json = await call(
      "create_task_run",
      {
        input: "Acme Robotics",
        processor: "core",
        output_fields: [
          { name: "founded", description: "year" },
          { name: "headquarters", description: "city and country" },
          { name: "employees", description: "latest known number" },
        ],
        wait_seconds: 20,
      },
      "03-create-with-fields-and-wait",
    );
    await call("get_task_run", { ...json, view: "basis" }, "09-basis");
    await call("get_task_run", { ...text, view: "events" }, "10-events");
    const failed = await call("create_task_run", {
      input: "Read the minutes of Acme Robotics' last board meeting",
      wait_seconds: 20,
    });
    await call("get_task_run", failed, "11-failed");
    const report = await call("create_task_run", {
      input: "Write a market report on warehouse robots in Europe",
      processor: "ultra",
      wait_seconds: 20,
    });
    await call("get_task_run", report, "12-long-report");
    await call("cancel_task_run", text, "14-cancel-too-late");
    for (const input of ["Who leads Acme Robotics?", "Growth of the French economy since 2020"]) {
      await call("create_task_run", { input, processor: "lite", wait_seconds: 20 });
    }
    await call(
      "create_task_run",
      {
        input: "Compare the five largest makers of warehouse robots by revenue",
        processor: "pro",
        dry_run: true,
      },
      "04-dry-run",
    );
    await call(
      "create_task_run",
      {
        input: "Compare the five largest makers of warehouse robots by revenue",
        processor: "large",
        output_fields: [{ name: "top makers" }],
      },
      "05-bad-arguments",
    );

    const unwanted = await call("create_task_run", { input: "Patents of Acme Robotics" });
    await reached(engine, unwanted.run_id, LAST_STEP);
    await call("cancel_task_run", unwanted, "13-cancel");
    const running = await call(
      "create_task_run",
      {
        input: "Compare the five largest makers of warehouse robots by revenue",
        processor: "pro",
      },
      "01-create",
    );
    await reached(engine, running.run_id, LAST_STEP);
    await call("get_task_run", { ...running, wait_seconds: 1 }, "06-still-running");
    await call("get_task_run", { ...running, view: "status", wait_seconds: 0 }, "07-status");
    await call("list_task_runs", { since: "2026-11-27T00:00:00Z" }, "15-list");

    const capitals = await call(
      "create_task_group",
      {
        inputs: CAPITALS.map(({ country }) => ({ country })),
        output_fields: CAPITAL_FIELDS,
        processor: "lite",
      },
      "16-create-group",
    );
    await call("get_task_group", { ...capitals, wait_seconds: 20 }, "18-group-results");
    const forecasts = await call("create_task_group", { inputs: FORECASTS, processor: "core" });
    await ended(engine, forecasts.taskgroup_id, 9);
    await call("get_task_group", { ...forecasts, wait_seconds: 0 }, "17-group-running");
    await call("get_task_group", { ...forecasts, view: "failures" }, "19-group-failures");
    await call("cancel_task_group", forecasts, "20-cancel-group");

    const { tools } = await hosted.client.listTools();
    return { answers: normalise(answers), tools };
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

/** A client of the kind that most hosts have, on an engine in the same process. */
async function connect(engine: Engine, kind: Backend["kind"], clock: Clock) {
  const ledgers = await openLedgerStore({ path: ":memory:", now: clock.now, log: silentLog });
  const taskApi = createClient({
    baseUrl: "http://engine",
    fetch: createInProcessFetch((request) => engine.fetch(request)),
    inputsPerMinute: Number.POSITIVE_INFINITY,
  });
  const backend: Backend = {
    kind,
    client: taskApi,
    followers: createFollowers({ client: taskApi }),
    groupFollowers: createGroupFollowers({ client: taskApi }),
    prices: createPriceList({ kind }),
    ledger: ledgers.of({ backend: kind, keyFingerprint: null, principal: null }),
    ledgerFallbackReason: null,
  };
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  const server = serveStdioTransport(
    createServerFactory({
      backend: async () => backend,
      version: "0.0.0-test",
      log: silentLog,
      clock,
      budgetUsdPerDay: 5,
    }),
    { log: silentLog, onClosed: () => toClient.end(), input: toServer, output: toClient },
  );
  const client = new Client({ name: "agent", version: "1" });
  await client.connect(new StdioServerTransport(toClient, toServer));
  // From now on the client checks what tools answer against their schemas.
  await client.listTools();
  return {
    client,
    async close() {
      await client.close();
      await server.close();
      await ledgers.close();
    },
  };
}

/** Time of day as the calls see it: each comes two seconds after the one before, however fast they are. */
function createTime() {
  let nowMs = Date.parse("2026-11-27T09:00:00Z");
  let ticks = 0;
  return {
    pass() {
      nowMs += 2_000;
      ticks = 0;
    },
    clock: { ...systemClock, now: () => nowMs },
    /** Keeps moments of one call apart, as the engine's own clock does. */
    engineClock: { ...systemClock, now: () => nowMs + (ticks += 0.001) },
  };
}

/** Resolves when the run has told of that step. */
async function reached(engine: Engine, runId: string | undefined, step: string): Promise<void> {
  const { body } = await engine.fetch(new Request(`http://engine/v1/tasks/runs/${runId}/events`));
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) if (decoder.decode(chunk).includes(step)) return;
  throw new Error(`${runId} ended without the step "${step}"`);
}

const GroupStatus = z.object({
  status: z.object({ task_run_status_counts: z.record(z.string(), z.number()) }),
});

/** Resolves when so many runs of the group have ended and all others are running. */
async function ended(engine: Engine, groupId: string | undefined, count: number): Promise<void> {
  for (;;) {
    const answer = await engine.fetch(new Request(`http://engine/v1/tasks/groups/${groupId}`));
    const { status } = GroupStatus.parse(await answer.json());
    const { completed = 0, failed = 0, queued = 0 } = status.task_run_status_counts;
    if (completed + failed === count && queued === 0) return;
    await systemClock.sleep(5);
  }
}

/** Ids, boundaries, fractions of seconds and places on this machine become others of the same shape. */
function normalise(answers: readonly TypicalAnswer[]): TypicalAnswer[] {
  const ids = new Map<string, string>();
  function fixId(id: string, prefix: string): string {
    const known = ids.get(id);
    if (known !== undefined) return known;
    const hash = createHash("sha256").update(`${prefix}${ids.size}`).digest("hex");
    const fixed = `${prefix}_${hash.slice(0, 32)}`;
    ids.set(id, fixed);
    return fixed;
  }
  return answers
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map((answer) => {
      const boundary = /<<<data ([\w-]+)/.exec(answer.texts.join("\n"))?.[1];
      const fixed = JSON.stringify(answer)
        .replaceAll(/(trun|tgrp)_[0-9a-f]{32}/g, fixId)
        .replaceAll(/(T\d\d:\d\d:\d\d)\.\d+/g, (whole, time: string) =>
          `${time}.417203`.slice(0, whole.length),
        )
        .replaceAll(pathToFileURL(DOCUMENTS).href, `file://${SHOWN_DOCUMENTS}`)
        .replaceAll(DOCUMENTS, SHOWN_DOCUMENTS);
      const shown =
        boundary === undefined
          ? fixed
          : fixed.replaceAll(boundary, "q7Zt2LxK9fWd".slice(0, boundary.length));
      return TypicalAnswer.parse(JSON.parse(shown));
    });
}
