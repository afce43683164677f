// Counts the tokens (o200k) that agents read: twenty typical answers (text and structured content) and `tools/list`,
// compared with the commit in bench/agent-tokens.json. Run `npm run bench:agent-tokens`; `--write-baseline <commit>`
// stores the counts as the new baseline. The answers are in test/mcp/transcripts.
import { readFile, writeFile } from "node:fs/promises";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { z } from "zod";
import { typicalAnswers } from "../test/mcp/typical-answers.ts";
import { type Figure, printFigures } from "./figures.ts";

const Counts = z.record(z.string(), z.number());
const Baseline = z.object({ commit: z.string(), tokens: Counts });

const BASELINE = new URL("agent-tokens.json", import.meta.url);

const tokensIn = (text: string) => encode(text).length;
const tokensInJson = (value: unknown) =>
  value === undefined ? 0 : tokensIn(JSON.stringify(value));

const { answers, tools } = await typicalAnswers();
const counted = answers.map(({ name, texts, structuredContent }) => {
  const text = tokensIn(texts.join("\n"));
  const structured = tokensInJson(structuredContent);
  return { name, parts: `, text ${text} + structured ${structured}`, tokens: text + structured };
});
const sums = [
  ...counted,
  {
    name: "all twenty",
    parts: "",
    tokens: counted.reduce((sum, { tokens }) => sum + tokens, 0),
  },
  { name: "tools/list, the first four", parts: "", tokens: tokensInJson(tools.slice(0, 4)) },
  { name: "tools/list", parts: "", tokens: tokensInJson(tools) },
];

const [, , flag, commit] = process.argv;
if (flag === "--write-baseline") {
  const counts = Object.fromEntries(sums.map(({ name, tokens }) => [name, tokens]));
  const baseline = Baseline.parse({ commit, tokens: counts });
  await writeFile(BASELINE, `${JSON.stringify(baseline, null, 2)}\n`);
}

const { tokens: before } = Baseline.parse(JSON.parse(await readFile(BASELINE, "utf8")));
printFigures(
  "agent-tokens",
  sums.map(({ name, parts, tokens }): Figure => ({
    figure: `${name}${parts}`,
    value: tokens,
    unit: "tokens",
    before: before[name],
  })),
);
