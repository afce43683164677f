import type { Profile } from "../profile.ts";
import type { EndpointDefinition } from "./endpoint.ts";
import { groupEndpoints } from "./group-endpoints.ts";
import { operatorEndpoints } from "./operator-endpoints.ts";
import { runEndpoints } from "./run-endpoints.ts";

export interface Endpoint extends EndpointDefinition {
  /** The name of its definition, and of its operation in the document. */
  name: string;
  tag: "runs" | "groups" | "operation";
}

const ENDPOINTS: readonly Endpoint[] = [
  ...withTag("runs", runEndpoints),
  ...withTag("groups", groupEndpoints),
  ...withTag("operation", operatorEndpoints),
];

/**
 * The endpoints that callers of `profile` may use. The operator's endpoints are in every profile: they are not part of
 * the Task API.
 */
export function listEndpoints(profile: Profile): readonly Endpoint[] {
  return ENDPOINTS.filter(({ isExtension }) => profile === "extended" || isExtension !== true);
}

function withTag(
  tag: Endpoint["tag"],
  definitions: Readonly<Record<string, EndpointDefinition>>,
): Endpoint[] {
  return Object.entries(definitions).map(([name, definition]) => ({ ...definition, name, tag }));
}
