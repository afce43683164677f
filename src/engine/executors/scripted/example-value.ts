import type { JsonObject } from "../../../task-api/task-spec.ts";
import { buildValue, type Filling, MAX_VALUES } from "../../research/conforming-value.ts";
import { admits, limit } from "../../research/schema-keywords.ts";

/** Clearly no answer. */
const EXAMPLE_TEXT = "…";

const EXAMPLES_BY_FORMAT: Readonly<Record<string, string>> = {
  date: "2000-01-01",
  "date-time": "2000-01-01T00:00:00Z",
  time: "00:00:00Z",
  duration: "P1D",
  email: "nobody@example.com",
  uri: "https://example.com/",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uuid: "00000000-0000-4000-8000-000000000000",
};

function exampleText(node: JsonObject): string {
  const { format } = node;
  const text = EXAMPLES_BY_FORMAT[typeof format === "string" ? format : ""] ?? EXAMPLE_TEXT;
  const padded = text.padEnd(Math.min(limit(node, "minLength", 0), MAX_VALUES), EXAMPLE_TEXT);
  const cut = padded.slice(0, limit(node, "maxLength", padded.length));
  return [cut, ""].find((value) => admits(node, "string", value)) ?? cut;
}

function exampleNumber(node: JsonObject): number {
  const step = limit(node, "multipleOf", 1);
  const least = Math.max(
    limit(node, "minimum", Number.NEGATIVE_INFINITY),
    limit(node, "exclusiveMinimum", Number.NEGATIVE_INFINITY) + step,
  );
  const most = Math.min(
    limit(node, "maximum", Number.POSITIVE_INFINITY),
    limit(node, "exclusiveMaximum", Number.POSITIVE_INFINITY) - step,
  );
  const nearest =
    least > 0 ? Math.ceil(least / step) * step : most < 0 ? Math.floor(most / step) * step : 0;
  // Bounds may leave no multiple of one between them.
  const middle =
    (Math.max(limit(node, "minimum", 0), limit(node, "exclusiveMinimum", 0)) +
      Math.min(limit(node, "maximum", 1), limit(node, "exclusiveMaximum", 1))) /
    2;
  return admits(node, "number", nearest) ? nearest : middle;
}

const EXAMPLE: Filling = {
  isSparse: false,
  text: exampleText,
  number: exampleNumber,
  boolean: false,
  choose: (values) => values.find((value) => value !== null) ?? null,
};

/**
 * A small value that follows a JSON schema: the first value of an enum, every property, one item per list, and null
 * only where nothing else is allowed. A reference that leads back to itself ends there.
 */
export function exampleValue(schema: JsonObject): JsonObject {
  return buildValue(schema, undefined, EXAMPLE).value;
}
