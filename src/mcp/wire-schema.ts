import type { StandardSchemaWithJSON } from "@modelcontextprotocol/server";
import type { JsonObject } from "../task-api/task-spec.ts";

/**
 * Wraps a shown schema in the form the SDK registers. It validates nothing: arguments are checked where unknown ones can
 * be named and all problems told at once; results are ours.
 */
export function wireSchema(shown: JsonObject): StandardSchemaWithJSON {
  return {
    "~standard": {
      version: 1,
      vendor: "task-run-mcp",
      validate: (value) => ({ value }),
      jsonSchema: { input: () => shown, output: () => shown },
    },
  };
}
