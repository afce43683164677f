import { once } from "node:events";
import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { load } from "../load.ts";
import { post, startHttp, toolCall } from "../transports/start-http.ts";

const REQUESTS = load({ full: 10_000, short: 500 });
const LIST = toolCall("list_task_runs", {});

test("thousands of garbage requests leave a server that answers, and no memory behind", async () => {
  const { url, port } = await startHttp(await startTestEngine(async () => textResult("ok")));
  const batch = async (count: number) => {
    let left = count;
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        while (left-- > 0) await garbage(url, port, left);
      }),
    );
  };
  await batch(REQUESTS / 5);
  const before = heapInUse();
  await batch(REQUESTS);
  expect((await post(url, LIST)).status).toBe(200);
  const metrics = async () => (await fetch(new URL("/metrics", url))).text();
  await expect.poll(metrics).toMatch(/^task_run_mcp_open_calls 0$/m);
  // A leak of one object for each request would be several times this.
  await expect.poll(() => heapInUse() - before).toBeLessThan(8 * 1024 * 1024);
});

async function garbage(url: string, port: number, kind: number): Promise<void> {
  switch (kind % 6) {
    case 0:
      return drain(await post(url, "{"));
    case 1:
      return drain(await fetch(url));
    case 2:
      return drain(await post(url, LIST, { authorization: "Bearer garbage-garbage-garbage" }));
    case 3:
      return drain(await post(url, { jsonrpc: "2.0", id: 1, method: `m${kind}` }));
    case 4:
      return drain(await post(new URL(`/p${kind}`, url).href, "x", { origin: "https://evil" }));
    default: {
      await rawExchange(port, `\u0000${kind}\r\n\r\n`);
    }
  }
}

async function drain(answer: Response): Promise<void> {
  await answer.text();
}

/** Without the test's own notes about each socket, which would look like a leak. */
async function rawExchange(port: number, text: string): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {}).resume();
  socket.end(text);
  await once(socket, "close");
}

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
