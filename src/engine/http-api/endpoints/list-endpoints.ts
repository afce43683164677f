import type { ApiProfile } from "../profile.ts";
import type { EndpointDefinition } from "./endpoint.ts";
import * as groupEndpoints from "./group-endpoints.ts";
import * as operatorEndpoints from "./operator-endpoints.ts";
import * as runEndpoints from "./run-endpoints.ts";

/** What callers of `profile` may use. The operator's endpoints stay in each: they are beside the API, not in it. */
export function listEndpoints(profile: ApiProfile): EndpointDefinition[] {
  const all: EndpointDefinition[] = [
    ...Object.values(runEndpoints),
    ...Object.values(groupEndpoints),
    ...Object.values(operatorEndpoints),
  ];
  return all.filter(({ isExtension }) => profile === "extended" || isExtension !== true);
}
