import type { ListedTool } from "../../tool.ts";
import { compare } from "./compare.ts";
import { continueRun } from "./continue-run.ts";
import type { Prompt } from "./prompt.ts";
import { research } from "./research.ts";

const PROMPTS: readonly Prompt[] = [research, compare, continueRun];

/** Those that can be followed with the tools there are. */
export function choosePrompts(tools: readonly ListedTool[]): Prompt[] {
  const names = new Set(tools.map(({ name }) => name));
  return PROMPTS.filter((prompt) => prompt.tools.every((name) => names.has(name)));
}
