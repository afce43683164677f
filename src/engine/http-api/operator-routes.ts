import { Hono } from "hono";
import type { JsonObject } from "../../task-api/task-spec.ts";
import type { Metrics } from "../metrics.ts";
import type { RunStore } from "../runs/run-store.ts";
import { ApiError } from "./api-error.ts";
import { handle } from "./endpoints/endpoint.ts";
import { operatorEndpoints } from "./endpoints/operator-endpoints.ts";
import type { Profile } from "./profile.ts";
import type { RequestEnv } from "./request-context.ts";
import type { AnnouncedProcessor, ProcessorList } from "../../task-api/processor-list.ts";
import { PROCESSORS } from "../../task-api/processors.ts";
import type { PriceOf } from "../price-overrides.ts";
import { runEndpoints } from "./endpoints/run-endpoints.ts";

/**
 * Health, metrics and the API description for the operator of an engine. They need no key, because probes, scrapers and
 * code generators rarely send one; so no answer here may contain data of a single tenant.
 */
export function createOperatorRoutes({
  runs,
  metrics,
  profile,
}: {
  runs: RunStore;
  metrics: Metrics;
  profile: Profile;
}): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  handle(routes, operatorEndpoints.readHealth, async (c) => {
    try {
      await runs.ping();
    } catch (error) {
      throw new ApiError(503, "The database does not answer; the log has the cause", {
        cause: error,
      });
    }
    return c.json({ status: "ok" });
  });

  handle(routes, operatorEndpoints.readMetrics, async (c) => {
    const { contentType, text } = await metrics.read();
    return c.text(text, 200, { "content-type": contentType });
  });

  let document: Promise<JsonObject> | undefined;
  handle(routes, operatorEndpoints.readOpenApi, async (c) =>
    c.json(await (document ??= loadDocument(profile))),
  );

  return routes;
}

/** Few ask for it, and its generator is large. */
async function loadDocument(profile: Profile): Promise<JsonObject> {
  const { createOpenApiDocument } = await import("./openapi/document.ts");
  return createOpenApiDocument(profile);
}

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
