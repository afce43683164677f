import { createServer } from "node:http";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/database/open-database.ts";
import { RunInput } from "../../src/task-api/run-input.ts";
import { startTestEngine, temporaryFolder, textResult } from "../engine/start-test-engine.ts";
import { load } from "../load.ts";
import { questionOf } from "../mcp/stories.ts";
import { connectStdio } from "../e2e/built-binary.ts";

const KILLS = load({ full: 8, short: 2 });

/**
 * When the server is killed that sends a request: before the backend has read it, before (and the backend performs it
 * afterwards), after the backend has performed it, and when it has its answer.
 */
const MOMENTS = ["unread", "late", "performed", "answered"] as const;
const PATHS = ["/v1/tasks/groups", "/v1/tasks/groups/{id}/runs"] as const;

test.each(["extended", "hosted"] as const)(
  "%s: a list with a key is started once, however often the server is killed while it starts it",
  async (profile) => {
    const databasePath = join(await temporaryFolder(), "engine.sqlite");
    const engine = await startTestEngine(async () => textResult("x"), { profile, databasePath });
    const serve = getRequestListener(engine.fetch, { overrideGlobalObjects: false });
    let onRequest: (moment: "begin" | "performed" | "answered", path: string) => boolean = () =>
      false;
    const backend = createServer((request, response) => {
      const path = (request.url ?? "").replace(/tgrp_\w+/, "{id}");
      const isPost = request.method === "POST";
      if (isPost && onRequest("begin", path)) return;
      if (isPost) response.once("finish", () => onRequest("answered", path));
      // What the engine has answered is durable before a byte of it leaves.
      if (isPost) {
        const write = response.writeHead.bind(response);
        const writeUnlessKilled = (...args: Parameters<typeof write>) => {
          if (onRequest("performed", path)) response.socket?.destroy();
          return write(...args);
        };
        Object.assign(response, { writeHead: writeUnlessKilled });
      }
      void serve(request, response);
    });
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      backend.closeAllConnections();
      backend.close();
    });
    const address = backend.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const stateDir = await temporaryFolder();
    const env = {
      PARALLEL_BASE_URL: `http://127.0.0.1:${address.port}`,
      PARALLEL_API_KEY: "a-key",
    };
    const start = () => connectStdio("v1 client", { stateDir, env });

    let kills = 0;
    let groups = 0;
    while (kills < KILLS) {
      groups += 1;
      const list = {
        inputs: [1, 2, 3].map((index) => `List ${groups}, input ${index}`),
        idempotency_key: `list-${groups}`,
      };
      for (let tries = 0; ; tries += 1) {
        const server = await start();
        const moment = MOMENTS[(kills + tries) % MOMENTS.length];
        const path = PATHS[kills % 3 === 2 ? 0 : 1];
        const kill = () => {
          kills += 1;
          onRequest = () => false;
          process.kill(server.pid, "SIGKILL");
          return true;
        };
        // The third try for a list is left alone.
        onRequest = (at, of) => {
          if (of !== path || tries > 1) return false;
          if (at === "begin" && moment === "unread") return kill();
          if (at === "begin" && moment === "late") kill();
          if (at === "performed" && moment === "performed") return kill();
          if (at === "answered" && moment === "answered") kill();
          return false;
        };
        const answer = await server.call("create_task_group", list).catch(() => null);
        onRequest = () => false;
        if (answer === null) continue;
        expect(answer.isError, answer.text).toBe(false);
        const { report } = await server.call("list_task_runs", { status: "unknown" });
        await server.close();
        if (Array.isArray(report["runs"]) && report["runs"].length > 0 && tries < 9) continue;
        expect(report["runs"]).toEqual([]);
        break;
      }
    }

    const db = await openDatabase(databasePath);
    const rows = await db.selectFrom("runs").select("input").execute();
    await db.destroy();
    const questions = rows.map(({ input }) => questionOf(RunInput.parse(JSON.parse(input))));
    expect(questions.toSorted()).toEqual(
      Array.from({ length: groups }, (_, index) =>
        [1, 2, 3].map((input) => `List ${index + 1}, input ${input}`),
      )
        .flat()
        .toSorted(),
    );
  },
);
