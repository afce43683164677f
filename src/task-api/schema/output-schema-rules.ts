import { type RunInput, RunInputLimits } from "../run-input.ts";
import { listOf, pointerTo, type SchemaNode, typesOf, walkSchema } from "./walk-schema.ts";
import { isJsonObject, type JsonObject, requestedOutput } from "../task-spec.ts";

/** A problem in a task: the API rejects it (an error), or it makes the answer worse (a warning). */
export interface SchemaProblem {
  /** JSON pointer (RFC 6901) to the problem, from the value that was checked. */
  pointer: string;
  /** The problem, and what to write instead. */
  message: string;
  /** An error that only some sources of the API document: callers let the server decide. */
  isDisputed?: true;
}

export interface SchemaReport {
  errors: SchemaProblem[];
  warnings: SchemaProblem[];
}

/** Every documented limit of an output schema. Source: Task API, "JSON schema restrictions". */
export const OutputSchemaLimits = {
  /** Objects and arrays inside each other; the root is the first level. */
  depth: 5,
  /** Deeper is accepted, but the errors page asks for no more than this. */
  advisedDepth: 3,
  properties: 100,
  /** Property and definition names, and string values of `enum` and `const`. */
  stringChars: 25_000,
  enumValues: 500,
  /** An enum with more values than this … */
  largeEnumValues: 250,
  /** … holds at most this many characters in its strings. */
  largeEnumChars: 7_500,
} as const;

/** Keywords that the API rejects; use the description instead. */
const UNSUPPORTED_KEYWORDS: ReadonlySet<string> = new Set([
  "contains",
  "format",
  "maxContains",
  "maxItems",
  "maxLength",
  "maxProperties",
  "maximum",
  "minContains",
  "minItems",
  "minLength",
  "minProperties",
  "minimum",
  "multipleOf",
  "pattern",
  "patternProperties",
  "propertyNames",
  "unevaluatedItems",
  "unevaluatedProperties",
  "uniqueItems",
]);

/** Output properties that repeat what `basis` says about every field. */
const RESERVED_OUTPUT_NAMES: ReadonlySet<string> = new Set([
  "citations",
  "confidence",
  "evidence",
  "reasoning",
  "source",
  "source_urls",
  "sources",
]);

interface Totals {
  properties: number;
  stringChars: number;
  enumValues: number;
}

/**
 * Checks an output schema against every rule the API documents; pointers start at the schema. `$ref` is not followed.
 * Source: Task API, "JSON schema restrictions".
 */
export function checkOutputSchema(schema: JsonObject): SchemaReport {
  const report: SchemaReport = { errors: [], warnings: [] };
  const totals: Totals = { properties: 0, stringChars: 0, enumValues: 0 };
  checkRoot(schema, report);
  for (const found of walkSchema(schema, OutputSchemaLimits.depth)) {
    if ("malformed" in found) {
      report.errors.push(found.malformed);
      continue;
    }
    checkKeywords(found.node, report);
    checkNull(found.node, report);
    checkDepth(found.node, report);
    checkObject(found.node, report);
    checkEnum(found.node, report);
    count(found.node, totals);
  }
  checkTotals(totals, report);
  return report;
}

/**
 * Checks what the schema of a create request cannot express: the size of its task spec, alone and with the input, and
 * the rules of its output schema. Pointers start at the request body. A task spec over its limit is not checked
 * further. The API does not define a character; here it is a UTF-16 unit of the compact JSON.
 */
export function checkTaskSpec({ input, task_spec }: RunInput): SchemaReport {
  const report: SchemaReport = { errors: [], warnings: [] };
  const { taskSpecChars, taskSpecAndInputChars } = RunInputLimits;
  const specChars = task_spec === null || task_spec === undefined ? 0 : jsonChars(task_spec);
  const allChars = specChars + (typeof input === "string" ? input.length : jsonChars(input));
  if (allChars > taskSpecAndInputChars) {
    report.warnings.push({
      pointer: "/input",
      message: `task_spec and input have ${allChars} characters together, the limit is ${taskSpecAndInputChars}: shorten the input, or split the task`,
    });
  }
  if (specChars > taskSpecChars) {
    report.errors.push({
      pointer: "/task_spec",
      message: `task_spec has ${specChars} characters, the limit is ${taskSpecChars}: ask for fewer fields, or shorten descriptions`,
      isDisputed: true,
    });
    return report;
  }
  const output = requestedOutput(task_spec);
  if (output.type !== "json") return report;
  const ofSchema = checkOutputSchema(output.jsonSchema);
  report.errors.push(...ofSchema.errors.map(fromBody));
  report.warnings.push(...ofSchema.warnings.map(fromBody));
  return report;
}

function fromBody({ pointer, ...problem }: SchemaProblem): SchemaProblem {
  return { pointer: `/task_spec/output_schema/json_schema${pointer}`, ...problem };
}

function checkRoot(schema: JsonObject, { errors, warnings }: SchemaReport): void {
  if (schema["type"] !== "object") {
    errors.push({
      pointer: "/type",
      message: 'the root must be an object: write "type": "object"',
    });
  }
  if (schema["anyOf"] !== undefined) {
    errors.push({
      pointer: "/anyOf",
      message: "the root cannot be an anyOf: move the alternatives into a property",
    });
  }
  if (schema["properties"] === undefined) {
    errors.push({
      pointer: "/properties",
      message: 'the root needs "properties": name the fields of the output',
    });
  }
  for (const name of keysOf(schema["properties"])) {
    if (!RESERVED_OUTPUT_NAMES.has(name)) continue;
    warnings.push({
      pointer: pointerTo("/properties", name),
      message: `every field already comes with its evidence in "basis": remove "${name}", or rename it`,
    });
  }
}

function checkKeywords({ schema, pointer }: SchemaNode, { errors }: SchemaReport): void {
  for (const keyword of Object.keys(schema)) {
    if (!UNSUPPORTED_KEYWORDS.has(keyword)) continue;
    errors.push({
      pointer: pointerTo(pointer, keyword),
      message: `"${keyword}" is not supported: remove it and say it in the description`,
      isDisputed: true,
    });
  }
}

function checkNull({ schema, pointer, isAlternative }: SchemaNode, { errors }: SchemaReport): void {
  const types = typesOf(schema);
  if (isAlternative || types.length === 0 || types.some((type) => type !== "null")) return;
  errors.push({
    pointer: `${pointer}/type`,
    message: '"null" cannot stand alone: write a union such as "type": ["string", "null"]',
  });
}

function checkDepth(node: SchemaNode, { errors, warnings }: SchemaReport): void {
  const { depth, advisedDepth } = OutputSchemaLimits;
  const { pointer, level } = node;
  if (!node.isObject && !node.isArray) return;
  if (level > depth) {
    errors.push({
      pointer,
      message: `objects and arrays nest more than ${depth} levels deep: flatten the schema`,
    });
  } else if (level === advisedDepth + 1) {
    warnings.push({
      pointer,
      message: `objects and arrays nest more than ${advisedDepth} levels deep: a flatter schema is answered better`,
    });
  }
}

function checkObject({ schema, pointer, isObject }: SchemaNode, { warnings }: SchemaReport): void {
  if (!isObject) return;
  if (schema["additionalProperties"] !== false) {
    warnings.push({
      pointer: `${pointer}/additionalProperties`,
      message: 'write "additionalProperties": false on every object',
    });
  }
  const required = new Set(listOf(schema["required"]));
  for (const name of keysOf(schema["properties"])) {
    if (required.has(name)) continue;
    warnings.push({
      pointer: pointerTo(`${pointer}/properties`, name),
      message: `add "${name}" to "required"; a field that may be empty has "type": ["string", "null"]`,
    });
  }
}

function checkEnum({ schema, pointer }: SchemaNode, { errors }: SchemaReport): void {
  const { largeEnumValues, largeEnumChars } = OutputSchemaLimits;
  const values = listOf(schema["enum"]);
  const chars = charsOf(values);
  if (values.length <= largeEnumValues || chars <= largeEnumChars) return;
  errors.push({
    pointer: `${pointer}/enum`,
    message: `an enum of more than ${largeEnumValues} values holds at most ${largeEnumChars} characters, this one has ${chars}: shorten or drop values`,
  });
}

function count({ schema }: SchemaNode, totals: Totals): void {
  const properties = keysOf(schema["properties"]);
  const definitions = [...keysOf(schema["$defs"]), ...keysOf(schema["definitions"])];
  const values = listOf(schema["enum"]);
  totals.properties += properties.length;
  totals.enumValues += values.length;
  totals.stringChars +=
    charsOf(properties) + charsOf(definitions) + charsOf(values) + charsOf([schema["const"]]);
}

function checkTotals(totals: Totals, { errors }: SchemaReport): void {
  const limits = [
    ["properties", totals.properties, OutputSchemaLimits.properties],
    ["enum values", totals.enumValues, OutputSchemaLimits.enumValues],
    ["characters of names and values", totals.stringChars, OutputSchemaLimits.stringChars],
  ] as const;
  for (const [what, found, limit] of limits) {
    if (found <= limit) continue;
    errors.push({
      pointer: "",
      message: `the schema has ${found} ${what} in all, the limit is ${limit}: ask for less, or split the task`,
    });
  }
}

function keysOf(value: unknown): string[] {
  return isJsonObject(value) ? Object.keys(value) : [];
}

function charsOf(values: readonly unknown[]): number {
  let chars = 0;
  for (const value of values) if (typeof value === "string") chars += value.length;
  return chars;
}

/** Length of a JSON value's compact text, as `JSON.stringify` writes it, for values nested deeper than the stack is. */
export function jsonChars(json: unknown): number {
  let chars = 0;
  const pending = [json];
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) {
      chars += bracketsAndCommas(value.length);
      for (const item of value) pending.push(item);
    } else if (isJsonObject(value)) {
      const members = Object.entries(value).filter(([, member]) => member !== undefined);
      chars += bracketsAndCommas(members.length);
      for (const [name, member] of members) {
        chars += JSON.stringify(name).length + ":".length;
        pending.push(member);
      }
    } else {
      chars += JSON.stringify(value).length;
    }
  }
  return chars;
}

function bracketsAndCommas(size: number): number {
  return 2 + Math.max(0, size - 1);
}
