import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { fingerprintKey } from "../../src/ledger/scope.ts";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { account, draft, look, taskRun, textOutput } from "./drafts.ts";
import { ledgerPath, openLedger, openStore, start } from "./open-store.ts";

test("what is written is there for the next process", async () => {
  const { path, store, ledger } = await openLedger();
  expect(store.volatileReason).toBeNull();
  await start(ledger, "run_1");
  const entry = await ledger.find("run_1");
  await store.close();
  expect(await (await openLedger({ path })).ledger.find("run_1")).toEqual(entry);
});

test("a file that cannot be used is replaced by memory, with the reason and a warning", async () => {
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const folder = await temporaryFolder();
  await writeFile(join(folder, "a-file"), "");
  await writeFile(join(folder, "broken.sqlite"), "no database at all".repeat(100));
  for (const [path, reason] of [
    [join(folder, "a-file", "ledger.sqlite"), /a file stands where its folder should be/],
    [join(folder, "broken.sqlite"), /damaged or not a SQLite database/],
    [folder, /cannot be opened for writing/],
  ] as const) {
    lines.length = 0;
    const store = await openStore({ path, log });
    expect(store.volatileReason).toMatch(reason);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(reason);
    await start(store.of(account), "run_1");
    expect(await store.of(account).find("run_1")).toMatchObject({ status: "queued" });
  }
});

test("a ledger that was asked to stay in memory says so, and keeps nothing", async () => {
  const first = await openStore({ path: ":memory:" });
  expect(first.volatileReason).toBe("The ledger was asked to stay in memory.");
  await start(first.of(account), "run_1");
  const second = await openStore({ path: ":memory:" });
  expect(await second.of(account).find("run_1")).toBeNull();
});

test("no secret of a request, no key and no name of a person is in the file", async () => {
  const secrets = {
    key: "sk-MARKED-key",
    header: "Bearer MARKED-header",
    server: "https://mcp.example.com/MARKED-server",
    webhook: "https://hooks.example.com/MARKED-webhook",
    metadata: "MARKED-metadata",
    principal: "alice.MARKED-principal@example.com",
  };
  const path = await ledgerPath();
  const store = await openStore({ path });
  const ledger = store.of({
    backend: "https://api.example.com",
    keyFingerprint: fingerprintKey(secrets.key),
    principal: secrets.principal,
  });
  const input = {
    input: "Who founded FINDABLE?",
    processor: "base",
    metadata: { owner: secrets.metadata },
    webhook: { url: secrets.webhook, event_types: [] },
    mcp_servers: [
      {
        type: "url" as const,
        url: secrets.server,
        name: "private",
        headers: { authorization: secrets.header },
      },
    ],
  };
  await start(ledger, "run_1", draft("", { input, idempotencyKey: "k" }));
  const run = taskRun("run_1", {
    status: "completed",
    is_active: false,
    metadata: { owner: secrets.metadata },
  });
  await ledger.record("run_1", look(run, { output: textOutput("Ada") }));

  async function readFiles(): Promise<string> {
    const folder = dirname(path);
    const names = await readdir(folder);
    const files = await Promise.all(names.map((name) => readFile(join(folder, name), "latin1")));
    return files.join("\n");
  }
  const open = await readFiles();
  await store.close();
  for (const content of [open, await readFiles()]) {
    expect(content).toContain("FINDABLE");
    expect(content).not.toContain("MARKED");
  }
});

test("a fingerprint names a key without telling it", () => {
  expect(fingerprintKey("sk-one")).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprintKey("sk-one")).toBe(fingerprintKey("sk-one"));
  expect(fingerprintKey("sk-one")).not.toBe(fingerprintKey("sk-two"));
});

test("a store that is closed breaks no run", async () => {
  const { store, ledger } = await openLedger();
  await start(ledger, "run_1");
  await store.close();
  await ledger.record("run_1", look(taskRun("run_1", { status: "running" })));
  await expect(ledger.reserve([draft("Who?")])).rejects.toThrow(
    /^The record of started runs cannot be used: /,
  );
});
