// Tests an agent against scripted runs: no key, no network, the same outcome every time.
// Run after `npm run build`: node --test examples/library/agent.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createTaskApiClient, startEngine } from "task-run-mcp";

/** The agent under test: it asks, and asks once more when the run fails. */
async function askTwice(client, input) {
  let last;
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const { run_id } = await client.createRun({ input, processor: "base" });
    for await (const snapshot of client.watchRun(run_id)) last = snapshot;
    if (last.output !== null) return { attempt, text: last.output.content };
  }
  throw new Error(last.run.error.message);
}

await test("the agent asks again when a run fails", async (t) => {
  const script = fileURLToPath(new URL("flaky-runs.yaml", import.meta.url));
  const engine = await startEngine({ script });
  t.after(() => engine.close());
  const client = createTaskApiClient({ baseUrl: engine.url });
  t.after(() => client.close());
  assert.deepEqual(await askTwice(client, "What is the capital of France?"), {
    attempt: 2,
    text: "Paris. [1]",
  });
});
