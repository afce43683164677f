import type { RunInput } from "../../task-api/run-input.ts";

/** A `parallel-beta` value that no header can carry. The message does not repeat it: people paste keys into wrong fields. */
export class InvalidBeta extends Error {
  override readonly name = "InvalidBeta";
}

/** Throws {@link InvalidBeta}. Source: Task API, "`parallel-beta` header": values with commas between them. */
export function checkBetas(betas: readonly string[]): void {
  if (!betas.every((beta) => /^[\w.-]+$/.test(beta))) {
    throw new InvalidBeta(
      "A beta value is empty or holds other characters than letters, digits, dots, hyphens and underscores: give each one by itself, such as field-basis-2025-11-25",
    );
  }
}

/**
 * The header that asks for the beta features these runs use, and for `betas`, each once; no header when there are none.
 * Sources disagree on whether it is still needed; sending it is harmless. Source: Task API, "`parallel-beta` header".
 */
export function betaHeader(
  betas: readonly string[],
  inputs: readonly RunInput[] = [],
): Record<string, string> {
  const values = [...inputs.flatMap(betaFeatures), ...betas];
  return values.length === 0 ? {} : { "parallel-beta": [...new Set(values)].join(",") };
}

function betaFeatures(input: RunInput): string[] {
  const features: string[] = [];
  if (input.mcp_servers && input.mcp_servers.length > 0) features.push("mcp-server-2025-07-17");
  if (input.enable_events === true) features.push("events-sse-2025-07-24");
  if (input.webhook) features.push("webhook-2025-08-12");
  return features;
}
