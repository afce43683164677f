import type { ErrorObject } from "ajv";
import type { RunOutput } from "../task-api/output.ts";
import type { RunInput } from "../task-api/run-input.ts";
import type { RunWarning } from "../task-api/run.ts";
import { type JsonObject, requestedOutput } from "../task-api/task-spec.ts";
import { LruCache } from "../runtime/lru-cache.ts";
import { cutText } from "../text/cut-text.ts";
import { isLongNumber } from "../text/json.ts";
import { errorMessage } from "../text/error-message.ts";

/** Ten problems show what is wrong; a hundred of a large output say no more. */
const MAX_PROBLEMS = 10;

/** Where the output departs from the JSON schema that was asked for, as warnings of the run. */
export async function checkOutput(input: RunInput, output: RunOutput): Promise<RunWarning[]> {
  const requested = requestedOutput(input.task_spec);
  if (requested.type !== "json") return [];
  const problems = await findProblems(requested.jsonSchema, output.content);
  return problems.map((problem) => ({
    type: "warning",
    message: `The output does not follow its schema: ${problem}`,
    detail: null,
  }));
}

/** Where the input departs from its own schema, as warnings of the run. Source: Task API, "Warning". */
export async function checkInput({ input, task_spec }: RunInput): Promise<RunWarning[]> {
  const schema = task_spec?.input_schema;
  if (typeof schema !== "object" || schema === null || schema.type !== "json") return [];
  const problems = await findProblems(schema.json_schema, input);
  return problems.map((problem) => ({
    type: "input_validation_warning",
    message: `The input does not follow its schema: ${problem}`,
    detail: null,
  }));
}

/** Says where a value departs from one schema. */
type Validator = (value: unknown) => string[];

/** Compiling a schema takes some 10 ms, and the runs of a group mostly share theirs. */
const MAX_VALIDATORS = 50;
const validators = new LruCache<string, Promise<Validator>>(MAX_VALIDATORS);

/** Where a value departs from a JSON schema. */
export async function findProblems(schema: JsonObject, value: unknown): Promise<string[]> {
  // The promise is cached, so that runs that end together compile their schema once.
  const validate = await validators.getOrCreate(JSON.stringify(schema), () => compile(schema));
  return validate(value);
}

async function compile(schema: JsonObject): Promise<Validator> {
  const { $schema: dialect, ...keywords } = schema;
  // Loaded late, because most runs have no schema; by its default export, the only one that a bundled CommonJS package has.
  const { Ajv2020 } = (await import("ajv/dist/2020.js")).default;
  const { Ajv } = (await import("ajv")).default;
  const AjvOf = /draft-0\d/.test(String(dialect)) ? Ajv : Ajv2020;
  // Unknown keywords and formats are no error: annotations of the schema's author.
  const ajv = new AjvOf({
    allErrors: true,
    strict: false,
    validateFormats: false,
    logger: false,
    verbose: true,
  });
  try {
    const validate = ajv.compile(keywords);
    return (value) => {
      try {
        if (validate(value)) return [];
      } catch (error) {
        // A schema that refers to itself without end overflows the stack only here.
        return [unusable(error)];
      }
      return (validate.errors ?? [])
        .filter((error) => !isLongNumberAsText(error))
        .slice(0, MAX_PROBLEMS)
        .map(({ instancePath, message }) => `${instancePath || "/"} ${message ?? "is wrong"}`);
    };
  } catch (error) {
    const problem = unusable(error);
    return () => [problem];
  }
}

/** A number with more digits than a double keeps is text here; in the request it was the number that the schema wants. */
function isLongNumberAsText({ keyword, data, schema }: ErrorObject): boolean {
  const wantsNumber = [schema].flat().some((type) => type === "integer" || type === "number");
  return keyword === "type" && wantsNumber && typeof data === "string" && isLongNumber(data);
}

function unusable(error: unknown): string {
  const reason = errorMessage(error);
  return `the schema itself cannot be used (${cutText(reason, 200)})`;
}
