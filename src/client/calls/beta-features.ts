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

/** The header that asks for beta features, each once; no header when there are none. */
export function betaHeader(betas: readonly string[]): Record<string, string> {
  return betas.length === 0 ? {} : { "parallel-beta": [...new Set(betas)].join(",") };
}

/**
 * The `parallel-beta` values for the features a run uses. Sources disagree on whether they are still needed; sending
 * them is harmless. Source: Task API, "`parallel-beta` header".
 */
export function betaFeatures(input: RunInput): string[] {
  const features: string[] = [];
  if (input.mcp_servers && input.mcp_servers.length > 0) features.push("mcp-server-2025-07-17");
  if (input.enable_events === true) features.push("events-sse-2025-07-24");
  if (input.webhook) features.push("webhook-2025-08-12");
  return features;
}
