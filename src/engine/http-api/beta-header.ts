import type { RunInput } from "../../task-api/run-input.ts";
import type { FieldProblem } from "./api-error.ts";

/** The beta features that a request asks for in its header. */
export type BetaHeader = { required: false } | { required: true; given: ReadonlySet<string> };

/** The features that some sources call beta, and the value that unlocks each. Source: Task API, section 2. */
const BETA_FEATURES: readonly {
  field: keyof RunInput;
  value: string;
  isUsed: (input: RunInput) => boolean;
}[] = [
  {
    field: "mcp_servers",
    value: "mcp-server-2025-07-17",
    isUsed: ({ mcp_servers: servers }) => servers !== undefined && (servers?.length ?? 0) > 0,
  },
  {
    field: "enable_events",
    value: "events-sse-2025-07-24",
    isUsed: ({ enable_events: enabled }) => enabled === true,
  },
  {
    field: "webhook",
    value: "webhook-2025-08-12",
    isUsed: ({ webhook }) => webhook !== undefined && webhook !== null,
  },
];

/** Reads `parallel-beta`: values with commas between them. Unknown ones are accepted; there may be newer ones. */
export function readBetaHeader(header: string | undefined, isRequired: boolean): BetaHeader {
  if (!isRequired) return { required: false };
  const given = (header ?? "").split(",").map((value) => value.trim());
  return { required: true, given: new Set(given) };
}

/** A problem for each beta feature that `input`, at `loc` of the body, uses without its value in the header. */
export function findMissingBetas(
  input: RunInput,
  betas: BetaHeader,
  loc: (string | number)[],
): FieldProblem[] {
  if (!betas.required) return [];
  return BETA_FEATURES.filter(({ value, isUsed }) => isUsed(input) && !betas.given.has(value)).map(
    ({ field, value }) => ({
      type: "beta_required",
      loc: [...loc, field],
      msg: `this engine asks for the header \`parallel-beta: ${value}\` with ${field}; send it, or leave the field out`,
    }),
  );
}
