import { CLIENT_CAPABILITIES_META_KEY, type ServerContext } from "@modelcontextprotocol/server";
import { z } from "zod";
import { TASKS_EXTENSION } from "./capabilities.ts";

const Capabilities = z.looseObject({ extensions: z.record(z.string(), z.unknown()) });

/** Whether the client of this request can be answered with a task. Never one of the revisions before 2026-07-28. */
export function declaresTasks({ envelope }: ServerContext["mcpReq"]): boolean {
  const declared = Object.entries(envelope ?? {}).find(
    ([key]) => key === CLIENT_CAPABILITIES_META_KEY,
  );
  const read = Capabilities.safeParse(declared?.[1]);
  return read.success && Object.hasOwn(read.data.extensions, TASKS_EXTENSION);
}
