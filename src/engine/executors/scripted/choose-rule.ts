import type { RunInput } from "../../../task-api/run-input.ts";
import { readInputPattern } from "./input-pattern.ts";
import type { Match, Rule } from "./script.ts";

/** The first rule that matches a run, with its place in the script; undefined when none does. */
export type ChooseRule = (input: RunInput) => { rule: Rule; index: number } | undefined;

/** Each execution that is asked about counts for `nth`; the counts live as long as what this returns. */
export function createRuleChooser(rules: readonly Rule[]): ChooseRule {
  const candidates = rules.map((rule, index) => ({
    rule,
    index,
    matches: createMatcher(rule.match ?? {}),
  }));
  return (input) => {
    let chosen: { rule: Rule; index: number } | undefined;
    for (const { rule, index, matches } of candidates) {
      // A rule with `nth` counts what an earlier one takes, too.
      const mustLook = chosen === undefined || rule.match?.nth !== undefined;
      if (mustLook && matches(input)) chosen ??= { rule, index };
    }
    return chosen;
  };
}

function createMatcher({
  input: pattern,
  processor,
  metadata,
  nth,
}: Match): (run: RunInput) => boolean {
  const hasPattern = pattern === undefined ? () => true : readInputPattern(pattern);
  const labels = Object.entries(metadata ?? {});
  let seen = 0;
  return (run) => {
    if (processor !== undefined && run.processor !== processor) return false;
    if (labels.some(([key, value]) => String(run.metadata?.[key]) !== String(value))) return false;
    if (!hasPattern(inputText(run))) return false;
    seen += 1;
    return nth === undefined || seen === nth;
  };
}

/** A question as it is; an object as compact JSON. */
export function inputText({ input }: RunInput): string {
  return typeof input === "string" ? input : JSON.stringify(input);
}
