import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../engine/start-test-engine.ts";
import { launch } from "./built-binary.ts";

describe("a process", () => {
  const discover = `${JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "server/discover",
    params: {
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "probe", version: "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  })}\n`;

  test.each([
    ["SIGTERM while stdin stays open", (child) => void child.kill("SIGTERM")],
    ["the end of its stdin", (child) => void child.stdin?.end()],
  ] as [string, (child: ReturnType<typeof launch>) => void][])(
    "that is asked server/discover and then met by %s ends with 0 and has touched nothing",
    async (_how, end) => {
      const stateDir = await temporaryFolder();
      const child = launch({ stateDir });
      child.stdin?.write(discover);
      const [line] = await once(child.stdout, "data");
      expect(JSON.parse(String(line))).toMatchObject({
        id: 1,
        result: { supportedVersions: expect.arrayContaining(["2026-07-28"]) },
      });
      end(child);
      expect(await once(child, "exit")).toEqual([0, null]);
      expect(await readdir(stateDir)).toEqual([]);
    },
  );

  test("that gets SIGTERM while it starts ends, without a word", async () => {
    const child = launch({ stateDir: await temporaryFolder() });
    let written = "";
    child.stderr?.on("data", (chunk) => (written += String(chunk)));
    await once(child, "spawn");
    child.kill("SIGTERM");
    // Node's own default ends a process that has not come as far as to listen for signals.
    expect([
      [0, null],
      [null, "SIGTERM"],
    ]).toContainEqual(await once(child, "exit"));
    expect(written).toBe("");
  });
});
