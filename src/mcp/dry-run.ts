import { checkTaskSpec } from "../task-api/output-schema-rules.ts";
import type { RunInput } from "../task-api/run-input.ts";
import type { JsonObject } from "../task-api/task-spec.ts";
import type { Backend } from "./backend.ts";
import { type Budgets, checkCost, costUsd } from "./order-cost.ts";
import { durationText } from "./phrases.ts";
import { documentText } from "./reading/run-views.ts";
import { pageText } from "./reading/page-text.ts";
import { warningFacts } from "./run-facts.ts";
import type { RunReport } from "./run-report.ts";

/** The request is the caller's own; this much shows how it was understood. */
const REQUEST_BUDGET = 6_000;

/**
 * What a call would send and cost; nothing is sent. Secrets that the caller gave for others (headers of MCP servers) are
 * left out. Throws `CostRefused`.
 */
export function composeDryRun({
  inputs,
  request,
  backend,
  maxCostUsd,
  context,
}: {
  /** Each run that would be started. */
  inputs: readonly RunInput[];
  /** What would be sent, normalised. */
  request: JsonObject;
  backend: Backend;
  maxCostUsd: number | undefined;
  context: Budgets;
}): RunReport {
  const { prices } = backend;
  const processors = inputs.map(({ processor }) => processor);
  checkCost(processors, prices, { ...context, maxCostUsd });
  const cost = costUsd(processors, prices);
  const distinct = [...new Set(processors)];
  const [only] = distinct.length === 1 ? distinct : [];
  const usual = only === undefined ? undefined : prices.usualSeconds(only);
  const { warnings } = checkTaskSpec(inputs[0] ?? { input: "", processor: "" });
  return {
    summary: `Dry run: the arguments are valid and nothing was started. ${describePrice(cost, inputs.length, backend)}`,
    next_step: "Make the same call without dry_run to start it.",
    ...(only !== undefined && { processor: only }),
    ...(cost !== null && { price_usd: cost }),
    ...(usual !== undefined && { usual_seconds: usual }),
    ...warningFacts(warnings.map(({ pointer, message }) => `${pointer}: ${message}`)),
    request: shortened(withoutSecrets(request)),
  };

  function describePrice(usd: number | null, count: number, { kind }: Backend): string {
    if (usd === 0 && kind === "embedded") return "The built-in engine is free.";
    if (usd === null) {
      return `The price on ${distinct.join(", ")} is not known here; the backend may also refuse it.`;
    }
    const whose = prices.caveat === null ? "" : ` ${prices.caveat}`;
    const runs = count === 1 ? "it costs" : `the ${count} runs cost`;
    const time =
      usual === undefined
        ? ""
        : `, and ${count === 1 ? "" : "each "}usually takes ${durationText(usual.from)} to ${durationText(usual.to)}`;
    return `On ${distinct.join(", ")} ${runs} $${usd} when ${count === 1 ? "it completes" : "all complete"}${whose}${time}.`;
  }
}

/** Both the request of one run and that of a group, whose inputs have servers of their own. */
function withoutSecrets(request: JsonObject): JsonObject {
  const { mcp_servers: servers, inputs } = request;
  return {
    ...request,
    ...(Array.isArray(inputs) && { inputs: inputs.map(withoutSecrets) }),
    ...(Array.isArray(servers) && {
      mcp_servers: servers.map((server: JsonObject) =>
        server["headers"] ? { ...server, headers: "(not shown)" } : server,
      ),
    }),
  };
}

function shortened(request: JsonObject): unknown {
  const text = documentText(request);
  const page = pageText(text, 0, REQUEST_BUDGET);
  return page.nextOffset === null ? request : `${page.text}…`;
}
