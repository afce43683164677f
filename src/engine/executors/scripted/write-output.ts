import type { Citation, FieldBasis, RunOutput } from "../../../task-api/output.ts";
import type { RunInput } from "../../../task-api/run-input.ts";
import { isJsonObject, type JsonObject, requestedOutput } from "../../../task-api/task-spec.ts";
import type { ExecutionResult } from "../executor.ts";
import { exampleValue } from "./example-value.ts";
import { type FillTemplate, fillJson } from "./fill-template.ts";
import { makeUpCitations, makeUpReport } from "./made-up-report.ts";
import type { Completed } from "./outcome.ts";
import { createSourceCheck, type SourceCheck } from "./source-check.ts";

/** What a run answers when its script says nothing. */
const ECHO = "This is a scripted run. The question was: {{input}}";
/** A page or so. */
const SECTION_CHARS = 1_000;

/**
 * The output of a completed run. A task with a JSON schema gets JSON and any other gets text, as far as the script
 * has it; a task with a schema that the script has no object for gets an example that follows the schema. Citations
 * that the run's `source_policy` does not admit are left out, with a warning.
 */
export function writeOutput(
  outcome: Completed,
  { task_spec, source_policy }: RunInput,
  fill: FillTemplate,
): ExecutionResult {
  const requested = requestedOutput(task_spec);
  const written = writtenObject(outcome, fill);
  const check = createSourceCheck(source_policy);
  const madeUp = makeUpCitations(outcome.citations ?? 0).filter(({ url }) => check.admits(url));
  const output =
    requested.type === "json"
      ? toJson(written ?? exampleValue(requested.jsonSchema))
      : written !== undefined && !hasText(outcome)
        ? toJson(written)
        : toText();
  return { output, warnings: check.warnings() };

  function toText(): RunOutput {
    return {
      type: "text",
      content: writeText(outcome, madeUp.length, fill),
      basis: toBasis(["output"]),
    };
  }

  function toJson(content: JsonObject): RunOutput {
    return { type: "json", content, basis: toBasis(Object.keys(content)) };
  }

  function toBasis(fields: readonly string[]): FieldBasis[] {
    return outcome.citations === undefined
      ? writeBasis(outcome.basis ?? [], check, fill)
      : spreadCitations(madeUp, fields);
  }
}

function writtenObject({ json }: Completed, fill: FillTemplate): JsonObject | undefined {
  const filled = json === "auto" ? undefined : fillJson(json, fill);
  return isJsonObject(filled) ? filled : undefined;
}

function hasText({ text, sections, characters }: Completed): boolean {
  return text !== undefined || sections !== undefined || characters !== undefined;
}

function writeText(outcome: Completed, citations: number, fill: FillTemplate): string {
  const { text, sections = 1, characters = sections * SECTION_CHARS } = outcome;
  if (text !== undefined || !hasText(outcome)) return fill(text ?? ECHO);
  return makeUpReport({ sections, characters, citations });
}

function writeBasis(
  entries: NonNullable<Completed["basis"]>,
  check: SourceCheck,
  fill: FillTemplate,
): FieldBasis[] {
  return entries.map(({ field = "output", reasoning = "", confidence, citations = [] }) => ({
    field,
    reasoning: fill(reasoning),
    citations: citations
      .filter(({ url, published }) => check.admits(fill(url), published))
      .map(({ url, title, excerpts }) => ({
        url: fill(url),
        ...(title !== undefined && { title: fill(title) }),
        ...(excerpts !== undefined && { excerpts: excerpts.map(fill) }),
      })),
    ...(confidence !== undefined && { confidence }),
  }));
}

function spreadCitations(citations: readonly Citation[], fields: readonly string[]): FieldBasis[] {
  return fields.map((field, at) => ({
    field,
    reasoning: "Made up by the script.",
    citations: citations.filter((_, index) => index % fields.length === at),
  }));
}
