import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ExitCode } from "../src/commands/exit-code.ts";
import { OPTIONS, type Setting } from "../src/options.ts";
import { connect } from "./mcp/connect.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

/** The cells of the first table after `marker`, without its header. */
function tableAfter(marker: string): string[][] {
  const lines = readme.slice(readme.indexOf(marker)).split("\n");
  const start = lines.findIndex((line) => line.startsWith("| "));
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const code = (text: string | undefined) => (text === undefined ? "" : `\`${text}\``);

test("the README's options are the program's options", () => {
  const expected = Object.values<Setting>(OPTIONS).map((option) => [
    code(option.flag),
    code(option.env),
    option.default,
    option.meaning,
  ]);
  expect(tableAfter("<!-- options")).toEqual(expected);
});

test("the README's tools are the server's tools, in their order", async () => {
  const client = await connect(() => Promise.reject(new Error("listing tools opens no backend")));
  const { tools } = await client.listTools();
  expect(tableAfter("<!-- tools").map(([name]) => name)).toEqual(
    tools.map(({ name }) => code(name)),
  );
});

test("the README's exit codes are the program's exit codes", () => {
  const codes = tableAfter("| exit code").map(([value]) => Number(value));
  expect(codes).toEqual(Object.values(ExitCode));
});

test("the README opens with the two commands, each on one line", () => {
  const commands = [...readme.matchAll(/```sh\n(.+)\n```/g)].map((match) => match[1]);
  expect(commands.slice(0, 2)).toEqual(["npm ci && npm run demo", "npm ci && npm test"]);
});
