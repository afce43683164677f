import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { createFollowers } from "../../src/client/follow/followers.ts";
import { defaultRetryPolicy } from "../../src/client/http/retry-policy.ts";
import {
  deferred,
  startTestEngine,
  textResult,
  untilAborted,
} from "../engine/start-test-engine.ts";
import { iterate, next } from "./capture.ts";
import { connectOverNetwork, startEngineServer } from "./loopback-server.ts";
import { createManualClock } from "./manual-clock.ts";

type Kind = "events" | "result";

/** A run that works until it is ended, behind a server that `answer`s what does not read the run itself. */
async function start(answer: (kind: Kind, response: ServerResponse) => void) {
  const ending = deferred();
  const engine = await startTestEngine(async ({ signal }) => {
    await Promise.race([ending.promise, untilAborted(signal)]);
    return textResult("the answer");
  });
  let isFaulty = true;
  const server = await startEngineServer(engine, ({ url = "" }, response) => {
    const kind = (["events", "result"] as const).find((name) => url.includes(`/${name}`));
    if (kind === undefined || !isFaulty) return false;
    answer(kind, response);
    return true;
  });
  const clock = createManualClock();
  const retryPolicy = { ...defaultRetryPolicy, maxAttempts: 1 };
  const client = connectOverNetwork({ baseUrl: server.url, clock, retryPolicy });
  const { run_id: runId } = await client.createRun({ input: "x", processor: "pro" });
  return {
    clock,
    followers: createFollowers({ client, clock }),
    runId,
    requests: server.requests,
    heal() {
      isFaulty = false;
    },
    async end() {
      ending.resolve();
      // Past the faulty server: the engine answers when the run has ended.
      await engine.fetch(new Request(`http://engine/v1/tasks/runs/${runId}/result`));
    },
  };
}

const refuse = (_kind: Kind, response: ServerResponse) => response.writeHead(503).end();

test("a run that is polled is read at once when somebody says that there is news", async () => {
  const { clock, followers, runId, heal, end } = await start(refuse);
  const watched = iterate(followers.watch(runId));
  expect(await next(watched)).toMatchObject({ run: { is_active: true } });
  await clock.until(() => clock.sleepers === 1 && (clock.sleeps.at(-1) ?? 0) <= 1_250);
  await end();
  heal();
  followers.notify(runId);
  const last = await next(watched, ({ run }) => !run.is_active);
  expect(last).toMatchObject({ run: { status: "completed" }, output: { content: "the answer" } });
  expect(await watched.next()).toMatchObject({ done: true });
});

test("so is one whose stream stays silent, and the news of a run that goes on ends nothing", async () => {
  const opened = [deferred(), deferred(), deferred()];
  let streams = 0;
  const { followers, runId, end, heal, requests } = await start((kind, response) => {
    if (kind === "result") {
      refuse(kind, response);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const run = { run_id: runId, status: "running", is_active: true, processor: "pro" };
    response.write(`data: ${JSON.stringify({ type: "task_run.state", event_id: null, run })}\n\n`);
    opened[streams]?.resolve();
    streams += 1;
  });
  const watched = iterate(followers.watch(runId));
  expect(await next(watched)).toMatchObject({ run: { is_active: true } });
  followers.notify(runId);
  // It was read, is still active, and is followed by another stream.
  await opened[1]?.promise;
  expect(requests.filter((request) => request === `GET /v1/tasks/runs/${runId}`)).toHaveLength(1);
  await end();
  heal();
  followers.notify(runId);
  const last = await next(watched, ({ run }) => !run.is_active);
  expect(last).toMatchObject({ run: { status: "completed" } });
});

test("news of a run that nobody follows is no news", async () => {
  const { followers, runId, requests } = await start(refuse);
  const before = requests.length;
  followers.notify(runId);
  followers.notify("trun_none");
  expect(requests).toHaveLength(before);
});
