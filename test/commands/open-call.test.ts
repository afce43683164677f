import { expect, test } from "vitest";
import { openCall } from "../../src/commands/runs/tool-context.ts";
import { readConfig } from "../../src/config.ts";
import { listEntriesNow, spendingOf } from "../../src/mcp/runs/list-runs.ts";
import { createPriceList } from "../../src/mcp/runs/price-list.ts";
import { silentLog } from "../engine/start-test-engine.ts";
import { backendOf } from "../mcp/connect.ts";

test("a command that shows no price does not ask the backend for its prices, and so does not wait for them", async () => {
  let questions = 0;
  const prices = createPriceList({
    kind: "custom",
    async ask() {
      questions += 1;
      return [];
    },
  });
  const backend = { ...(await backendOf(async () => new Response(), "custom")), prices };
  const { bridge } = readConfig({}, {});
  const call = openCall(
    { ...backend, close: async () => {} },
    { bridge, log: silentLog, signal: new AbortController().signal },
  );
  await listEntriesNow({}, { limit: 10, cursor: undefined }, call);
  await spendingOf(call);
  expect(questions).toBe(0);
  await call.open();
  expect(questions).toBe(1);
});
