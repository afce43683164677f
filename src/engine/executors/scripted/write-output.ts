import type { Citation, FieldBasis, RunOutput } from "../../../task-api/output.ts";
import type { RunInput, SourcePolicy } from "../../../task-api/run-input.ts";
import { isJsonObject, type JsonObject, requestedOutput } from "../../../task-api/task-spec.ts";
import type { ExecutionResult } from "../executor.ts";
import { exampleValue } from "./example-value.ts";
import { isAllowedSource } from "../../sources/source-policy-filter.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import { type FillTemplate, fillJson } from "./fill-template.ts";
import type { Completed } from "./script.ts";

/** The answer of a run whose script defines none. */
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
  const check = createCitationFilter(source_policy);
  const madeUp = writeFillerCitations(outcome.citations ?? 0).filter(({ url }) =>
    check.admits(url),
  );
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
  return writeFillerReport({ sections, characters, citations });
}

function writeBasis(
  entries: NonNullable<Completed["basis"]>,
  check: CitationFilter,
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

/** Decides which citations of a script a run may have, and counts. */
interface CitationFilter {
  /** `publishedOn` is `YYYY-MM-DD`; a source without it may be older than any `after_date`. */
  admits(url: string, publishedOn?: string): boolean;
  /** Warnings about omitted parts so far, for the run's owner. */
  warnings(): RunWarning[];
}

function createCitationFilter(policy: SourcePolicy | null | undefined): CitationFilter {
  let asked = 0;
  let refused = 0;
  return {
    admits(url, publishedOn) {
      const source = { url: addressOf(url), publishedOn: publishedOn ?? null };
      const isAdmitted = isAllowedSource(source, policy);
      asked += 1;
      if (!isAdmitted) refused += 1;
      return isAdmitted;
    },
    warnings() {
      if (refused === 0) return [];
      const message = `source_policy does not admit ${refused} of the script's ${asked} citations; they were left out.`;
      return [{ type: "warning", message, detail: {} }];
    },
  };
}

/** A script may cite any text. Text that is no address counts as a file, which is on no domain. */
function addressOf(url: string): string {
  return URL.canParse(url) ? url : "file:///";
}

interface ReportSize {
  sections: number;
  /** UTF-16 units of the whole text. */
  characters: number;
  /** How many citations the sentences refer to, in turn. */
  citations: number;
}

/** The number of sentences in a paragraph. */
const PARAGRAPH_SENTENCES = 6;

/** A Markdown report of exactly that size. Each sentence has a number, so that no two pages of it are alike. */
function writeFillerReport({ sections, characters, citations }: ReportSize): string {
  const share = Math.floor(characters / sections);
  let sentences = 0;

  function writeSection(number: number, size: number): string {
    const parts = [`## Section ${number}`];
    let length = 0;
    for (let count = 0; length < size; count++) {
      sentences += 1;
      const source = citations === 0 ? "" : ` [${((sentences - 1) % citations) + 1}]`;
      const gap = count % PARAGRAPH_SENTENCES === 0 ? "\n\n" : " ";
      const sentence = `${gap}Sentence ${sentences} is made up to give this report its size${source}.`;
      parts.push(sentence);
      length += sentence.length;
    }
    return parts.join("").slice(0, size);
  }

  return Array.from({ length: sections }, (_, index) => {
    const isLast = index === sections - 1;
    return isLast
      ? writeSection(index + 1, characters - index * share)
      : `${writeSection(index + 1, share - 2)}\n\n`;
  }).join("");
}

/** Citations at a domain that is reserved for examples. Source: RFC 2606. */
function writeFillerCitations(count: number): Citation[] {
  return Array.from({ length: count }, (_, index) => ({
    url: `https://example.com/sources/${index + 1}`,
    title: `Source ${index + 1}`,
    excerpts: [`Excerpt of source ${index + 1}, made up by the script.`],
  }));
}
