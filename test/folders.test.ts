import { beforeEach, expect, test, vi } from "vitest";
import { readConfig } from "../src/config.ts";
import { dataFolder, resolvePath } from "../src/settings/folders.ts";

const home = vi.hoisted(() => ({ folder: "/home/me" as string | undefined }));

vi.mock("node:os", async (original) => ({
  ...(await original<object>()),
  homedir() {
    if (home.folder === undefined) throw new Error("uv_os_homedir returned ENOENT");
    return home.folder;
  },
}));

beforeEach(() => {
  home.folder = "/home/me";
});

test("a user without a home folder keeps runs in memory, and is told what to set", () => {
  home.folder = undefined;
  const { hasNoStateFolder, engine, bridge } = readConfig({}, {});
  expect({ hasNoStateFolder, at: engine.databasePath, ledgerAt: bridge.ledgerPath }).toEqual({
    hasNoStateFolder: true,
    at: ":memory:",
    ledgerAt: ":memory:",
  });
  expect(() => resolvePath("~/documents")).toThrow(/Set HOME, or write absolute paths/);
  expect(resolvePath("/documents")).toBe("/documents");
});

test("a state folder that is set needs no home", () => {
  home.folder = undefined;
  const { hasNoStateFolder, engine } = readConfig({}, { TASK_RUN_MCP_STATE_DIR: "/var/state" });
  expect({ hasNoStateFolder, at: engine.databasePath }).toEqual({
    hasNoStateFolder: false,
    at: "/var/state/engine.sqlite",
  });
});

test.skipIf(process.platform !== "linux")(
  "state is where the system keeps data of programs",
  () => {
    expect(dataFolder({})).toBe("/home/me/.local/share/task-run-mcp");
    expect(dataFolder({ XDG_DATA_HOME: "/data" })).toBe("/data/task-run-mcp");
    home.folder = undefined;
    expect(dataFolder({ XDG_DATA_HOME: "/data" })).toBe("/data/task-run-mcp");
  },
);
