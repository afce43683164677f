import { Hono } from "hono";
import type { AnnouncedProcessor, ProcessorList } from "../../task-api/processor-list.ts";
import { PROCESSORS } from "../../task-api/processors.ts";
import type { PriceOf } from "../price-overrides.ts";
import { handle } from "./endpoints/endpoint.ts";
import { runEndpoints } from "./endpoints/run-endpoints.ts";
import type { RequestEnv } from "./request-context.ts";

export interface ProcessorRoutesContext {
  priceOf: PriceOf;
  /** How long a run on the processor usually takes here; null where that is not known. */
  usualSeconds: (processor: string) => AnnouncedProcessor["usual_seconds"];
}

/** What runs cost the caller here and how long they take: an extension of ours. */
export function createProcessorRoutes({
  priceOf,
  usualSeconds,
}: ProcessorRoutesContext): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();
  handle(routes, runEndpoints.listProcessors, (c) => {
    const body: ProcessorList = {
      processors: PROCESSORS.map(({ name }) => ({
        name,
        price_usd: priceOf(name, c.get("tenant")),
        usual_seconds: usualSeconds(name),
      })),
    };
    return c.json(body);
  });
  return routes;
}
