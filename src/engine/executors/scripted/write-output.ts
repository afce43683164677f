import type { FieldBasis, RunOutput } from "../../../task-api/output.ts";
import type { RunInput } from "../../../task-api/run-input.ts";
import { isJsonObject, type JsonObject, requestedOutput } from "../../../task-api/task-spec.ts";
import { exampleValue } from "./example-value.ts";
import { type FillTemplate, fillJson } from "./fill-template.ts";
import { makeUpCitations, makeUpReport } from "./made-up-report.ts";
import type { Completed } from "./outcome.ts";

/** What a run answers when its script says nothing. */
const ECHO = "This is a scripted run. The question was: {{input}}";
/** A page or so. */
const SECTION_CHARS = 1_000;

/**
 * The output of a completed run. A task with a JSON schema gets JSON and any other gets text, as far as the script
 * has it; a task with a schema that the script has no object for gets an example that follows the schema.
 */
export function writeOutput(
  outcome: Completed,
  { task_spec }: RunInput,
  fill: FillTemplate,
): RunOutput {
  const requested = requestedOutput(task_spec);
  const written = writtenObject(outcome, fill);
  if (requested.type === "json") return toJson(written ?? exampleValue(requested.jsonSchema));
  if (written !== undefined && !hasText(outcome)) return toJson(written);
  return {
    type: "text",
    content: writeText(outcome, fill),
    basis: writeBasis(outcome, ["output"], fill),
  };

  function toJson(content: JsonObject): RunOutput {
    const basis = writeBasis(outcome, Object.keys(content), fill);
    return { type: "json", content, basis };
  }
}

function writtenObject({ json }: Completed, fill: FillTemplate): JsonObject | undefined {
  const filled = json === "auto" ? undefined : fillJson(json, fill);
  return isJsonObject(filled) ? filled : undefined;
}

function hasText({ text, sections, characters }: Completed): boolean {
  return text !== undefined || sections !== undefined || characters !== undefined;
}

function writeText(outcome: Completed, fill: FillTemplate): string {
  const { text, sections = 1, characters = sections * SECTION_CHARS, citations = 0 } = outcome;
  if (text !== undefined || !hasText(outcome)) return fill(text ?? ECHO);
  return makeUpReport({ sections, characters, citations });
}

function writeBasis(
  { basis = [], citations }: Completed,
  fields: readonly string[],
  fill: FillTemplate,
): FieldBasis[] {
  if (citations === undefined) {
    return basis.map(({ field = "output", reasoning = "", confidence, citations: cited = [] }) => ({
      field,
      reasoning: fill(reasoning),
      citations: cited.map(({ url, title, excerpts }) => ({
        url: fill(url),
        ...(title !== undefined && { title: fill(title) }),
        ...(excerpts !== undefined && { excerpts: excerpts.map(fill) }),
      })),
      ...(confidence !== undefined && { confidence }),
    }));
  }
  const madeUp = makeUpCitations(citations);
  return fields.map((field, at) => ({
    field,
    reasoning: "Made up by the script.",
    citations: madeUp.filter((_, index) => index % fields.length === at),
  }));
}
