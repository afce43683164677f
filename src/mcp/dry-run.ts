import {
  Forbidden,
  InsufficientCredit,
  RequestRejected,
  TaskApiError,
  Unauthorized,
} from "../client/errors.ts";
import { checkTaskSpec } from "../task-api/output-schema-rules.ts";
import type { RunInput } from "../task-api/run-input.ts";
import { type AddRunsBody, TaskGroupLimits } from "../task-api/task-group.ts";
import type { JsonObject } from "../task-api/task-spec.ts";
import type { Backend } from "./backend.ts";
import { type Budgets, checkCost, costUsd } from "./order-cost.ts";
import { durationText } from "./phrases.ts";
import { documentText } from "./reading/run-views.ts";
import { pageText } from "./reading/page-text.ts";
import { CostRefused, explainedBy } from "./refusals.ts";
import { doubtNotes, warningFacts } from "./run-facts.ts";
import type { RunReport } from "./run-report.ts";
import type { ToolContext } from "./tool.ts";

/** The request is the caller's own; this much shows how it was understood. */
const REQUEST_BUDGET = 6_000;

/**
 * What a call would send and cost; nothing is started. A backend that can be asked says whether it would take the
 * request. Secrets that the caller gave for others (headers of MCP servers) are left out. Throws `CostRefused`, and what
 * the call itself would throw.
 */
export async function composeDryRun({
  inputs,
  request,
  sent,
  doubts,
  backend,
  maxCostUsd,
  context,
}: {
  /** Each run that would be started. */
  inputs: readonly RunInput[];
  /** What would be sent, normalised. */
  request: JsonObject;
  /** The same, whole, for the backend to check. */
  sent: RunInput | AddRunsBody;
  /** What the backend may object to. */
  doubts: readonly string[];
  backend: Backend;
  maxCostUsd: number | undefined;
  context: Budgets & Pick<ToolContext, "callerLeft">;
}): Promise<RunReport> {
  const { prices } = backend;
  const processors = inputs.map(({ processor }) => processor);
  checkCost(processors, prices, { ...context, maxCostUsd });
  const cost = costUsd(processors, prices);
  await checkBudget(cost ?? 0, backend, context);
  const asked = await askBackend(sent, doubts, backend, context.callerLeft);
  const distinct = [...new Set(processors)];
  const [only] = distinct.length === 1 ? distinct : [];
  const usual = only === undefined ? undefined : prices.usualSeconds(only);
  const own = [...new Set([...doubts, ...inputs.flatMap(specWarnings)])];
  const others = [...new Set(asked.warnings)].filter((warning) => !own.includes(warning));
  const notes = [...doubtNotes(own), ...asked.notes];
  return {
    summary: `Dry run: ${doubts.length > 0 ? "the backend may refuse what the notes name" : "the arguments are valid"}, and nothing was started. ${describePrice(cost, inputs.length, backend)}`,
    next_step: "Make the same call without dry_run to start it.",
    ...(only !== undefined && { processor: only }),
    ...(cost !== null && cost > 0 && { price_usd: cost }),
    ...(usual !== undefined && { usual_seconds: usual }),
    ...(notes.length > 0 && { notes }),
    ...warningFacts(others),
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

/** As our engine words them, so that each is told once. */
function specWarnings(input: RunInput): string[] {
  return checkTaskSpec(input).warnings.map(({ pointer, message }) => `${pointer}: ${message}`);
}

/** What the backend says itself. One that cannot be reached now has not refused anything. */
async function askBackend(
  sent: RunInput | AddRunsBody,
  doubts: readonly string[],
  { client }: Backend,
  signal: AbortSignal,
): Promise<{ warnings: string[]; notes: string[] }> {
  try {
    const warnings: string[] = [];
    for (const body of requestsOf(sent)) {
      const check = await client.checkRuns(body, { signal });
      warnings.push(...(check?.warnings ?? []).map(({ message }) => message));
    }
    return { warnings, notes: [] };
  } catch (error) {
    const isRefusal = error instanceof RequestRejected || error instanceof Forbidden;
    const isAccount = error instanceof Unauthorized || error instanceof InsufficientCredit;
    if (!(error instanceof TaskApiError) || isRefusal || isAccount)
      throw explainedBy(doubts, error);
    return { warnings: [], notes: [`The backend could not be asked now: ${error.message}`] };
  }
}

/** One request takes only so many runs. */
function requestsOf(sent: RunInput | AddRunsBody): (RunInput | AddRunsBody)[] {
  if (!("inputs" in sent)) return [sent];
  const { inputsPerRequest } = TaskGroupLimits;
  return Array.from({ length: Math.ceil(sent.inputs.length / inputsPerRequest) }, (_, index) => ({
    ...sent,
    inputs: sent.inputs.slice(index * inputsPerRequest, (index + 1) * inputsPerRequest),
  }));
}

/** Holds the cost against what this caller has spent today. What others spent of a common budget counts when it starts. */
async function checkBudget(
  askedUsd: number,
  { ledger }: Backend,
  { budgetUsdPerDay, ownBudgetUsdPerDay }: Budgets,
): Promise<void> {
  const budgetUsd = Math.min(
    budgetUsdPerDay ?? Number.POSITIVE_INFINITY,
    ownBudgetUsdPerDay ?? Number.POSITIVE_INFINITY,
  );
  if (budgetUsd === Number.POSITIVE_INFINITY || askedUsd === 0) return;
  const { todayUsd: spentUsd } = await ledger.spending();
  if (spentUsd + askedUsd <= budgetUsd) return;
  throw new CostRefused({ kind: "over_budget", askedUsd, spentUsd, budgetUsd });
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
