import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "../engine/start-test-engine.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOURCE = "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR";

/** Runs a program in the package's own folder, where its name leads to what was built; it must end by itself. */
async function runNode(...args: string[]): Promise<string> {
  const { PATH = "" } = process.env;
  const env = { PATH, TASK_RUN_MCP_STATE_DIR: await temporaryFolder() };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
  return stdout;
}

/** The programs that a page shows. */
async function programsOf(page: string): Promise<string[]> {
  const text = await readFile(new URL(`../../${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/```[jt]s\n([\s\S]+?)```/g)].map(([, program = ""]) => program);
}

const runProgram = (program = "") => runNode("--input-type=module", "--eval", program);

test("the README's program shows the answer and ends by itself", async () => {
  const [program] = await programsOf("README.md");
  expect(await runProgram(program)).toContain("$3.05 trillion");
});

test("the library page's programs do what the page says", async () => {
  const outputs = await Promise.all((await programsOf("docs/library.md")).map(runProgram));
  expect(outputs).toEqual([
    expect.stringContaining("$3.05 trillion"),
    "404 trun_0 true\n",
    expect.stringMatching(/^(queued\n|running\n)*TimeoutError\n$/),
    "create_task_run get_task_run cancel_task_run list_task_runs\n",
  ]);
});

test.each(["plain.mjs", "langchain.mjs", "ai-sdk.mjs"])(
  "examples/library/%s prints an answer with its source",
  async (file) => {
    const stdout = await runNode(`examples/library/${file}`);
    expect(stdout).toContain("$3.05 trillion");
    expect(stdout).toContain(SOURCE);
  },
);

test("examples/library/agent.test.mjs passes", async () => {
  const stdout = await runNode("--test", "examples/library/agent.test.mjs");
  expect(stdout).toMatch(/# pass 1\n# fail 0/);
});
