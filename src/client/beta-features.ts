import type { RunInput } from "../task-api/run-input.ts";

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
