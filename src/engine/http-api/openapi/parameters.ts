import { z } from "zod";
import type { ApiProfile } from "../profile.ts";
import { GROUP_ID, RUN_ID } from "./examples.ts";

export const runPath = z.object({ run_id: z.string().meta({ examples: [RUN_ID] }) });
export const groupPath = z.object({ taskgroup_id: z.string().meta({ examples: [GROUP_ID] }) });
export const groupRunPath = groupPath.extend(runPath.shape);

const betas = z.object({
  "parallel-beta": z
    .string()
    .optional()
    .meta({
      description:
        "Beta features, with commas between them. An engine that was told to require them asks for `mcp-server-2025-07-17` with `mcp_servers`, `events-sse-2025-07-24` with `enable_events`, and `webhook-2025-08-12` with `webhook`.",
      examples: ["mcp-server-2025-07-17,webhook-2025-08-12"],
    }),
});

const idempotencyKey = z.object({
  "Idempotency-Key": z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({
      description:
        "Extension. The same request with the same key within 24 hours gets the same answer and changes nothing.",
      examples: ["6f1d3b1e-import-2026-04-23"],
    }),
});

/** The headers of an endpoint that creates runs. */
export const createHeaders = (profile: ApiProfile) =>
  profile === "extended" ? betas.extend(idempotencyKey.shape) : betas;

/** The headers of another endpoint that changes something. */
export const writeHeaders = (profile: ApiProfile) =>
  profile === "extended" ? { header: idempotencyKey } : {};

export const resultHeaders = betas;

export const lastEventId = z.object({
  "Last-Event-ID": z
    .string()
    .optional()
    .meta({
      description: "Extension. The `id` of the last event seen; the stream continues after it.",
      examples: ["7"],
    }),
});
