import {
  Forbidden,
  InsufficientCredit,
  RequestRejected,
  TaskApiError,
  Unauthorized,
} from "../../client/errors.ts";
import { checkTaskSpec } from "../../task-api/schema/output-schema-rules.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import { type AddRunsBody, TaskGroupLimits } from "../../task-api/task-group.ts";
import type { JsonObject } from "../../task-api/task-spec.ts";
import type { Backend } from "./backend.ts";
import type { OpenCall } from "./call-context.ts";
import {
  type Budgets,
  type DayBudget,
  budgetText,
  assertAffordable,
  costText,
  costUsd,
  leftUsd,
} from "./budget.ts";
import { shownJson } from "../report/text.ts";
import { roundUsd } from "./price-list.ts";
import { pageText } from "../report/reading/pages.ts";
import { CostRefused, explainedBy } from "./cost-errors.ts";
import { doubtNotes, warningFacts } from "../report/run-facts.ts";
import type { RunReport } from "../report/run-report.ts";

/** The request is the caller's own; this much shows how it was understood. */
const REQUEST_BUDGET = 6_000;

/**
 * Returns what a call would send and cost, without starting anything. If the backend can check requests, its warnings
 * are included. Secrets for other servers (headers of MCP servers) are left out. Throws `CostRefused`, and what the
 * call itself would throw.
 */
export async function composeDryRun({
  inputs,
  request,
  sent,
  doubts,
  keyed,
  notes,
  maxCostUsd,
  call,
}: {
  /** Each run that would be started. */
  inputs: readonly RunInput[];
  /** The request that would be sent, normalised. */
  request: JsonObject;
  /** The same, whole, for the backend to check. */
  sent: RunInput | AddRunsBody;
  /** The parts that the backend may reject. */
  doubts: readonly string[];
  /** What the call would do instead of starting runs, because its key already has some; null for an unused key. */
  keyed: string | null;
  notes: readonly string[];
  maxCostUsd: number | undefined;
  call: Budgets & Pick<OpenCall, "backend" | "signal">;
}): Promise<RunReport> {
  const { backend, signal } = call;
  const { prices } = backend;
  const processors = inputs.map(({ processor }) => processor);
  assertAffordable(processors, prices, { ...call, maxCostUsd });
  const cost = costUsd(processors, prices);
  const budget = keyed === null ? await checkBudget(cost ?? 0, call) : null;
  const asked = await askBackend(sent, doubts, backend, signal);
  const [only, ...others] = [...new Set(processors)];
  const usual = only === undefined || others.length > 0 ? undefined : prices.usualSeconds(only);
  const own = [...new Set([...doubts, ...inputs.flatMap(specWarnings)])];
  const warnings = [...new Set(asked.warnings)].filter((warning) => !own.includes(warning));
  const valid =
    doubts.length > 0 ? "the backend may refuse what the notes name" : "the arguments are valid";
  const allNotes = [...doubtNotes(own), ...notes, ...asked.notes];
  return {
    summary: `Dry run: ${valid}, and nothing was started. ${keyed ?? [costText(processors, prices), ...(budget === null ? [] : [budgetText(budget)])].join(" ")}`,
    next_step: `Make the same call without dry_run to ${keyed === null ? "start it" : "do that"}.`,
    ...(others.length === 0 && only !== undefined && { processor: only }),
    ...(keyed === null && cost !== null && cost > 0 && { price_usd: cost }),
    ...(usual !== undefined && { usual_seconds: usual }),
    ...(allNotes.length > 0 && { notes: allNotes }),
    ...warningFacts(warnings),
    request: shortened(withoutSecrets(request)),
  };
}

/** Uses the same texts as our engine, so that no warning appears twice. */
function specWarnings(input: RunInput): string[] {
  return checkTaskSpec(input).warnings.map(({ pointer, message }) => `${pointer}: ${message}`);
}

/** The backend's own check. An unreachable backend counts as no objection. */
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

/** One request has a maximum number of runs. */
function requestsOf(sent: RunInput | AddRunsBody): (RunInput | AddRunsBody)[] {
  if (!("inputs" in sent)) return [sent];
  const { inputsPerRequest } = TaskGroupLimits;
  return Array.from({ length: Math.ceil(sent.inputs.length / inputsPerRequest) }, (_, index) => ({
    ...sent,
    inputs: sent.inputs.slice(index * inputsPerRequest, (index + 1) * inputsPerRequest),
  }));
}

/** Compares the cost with what is left today; null where there is no budget. Throws `CostRefused`. */
async function checkBudget(
  askedUsd: number,
  { backend: { ledger }, budgetUsdPerDay, ownBudgetUsdPerDay }: Budgets & Pick<OpenCall, "backend">,
): Promise<DayBudget | null> {
  if ((budgetUsdPerDay ?? ownBudgetUsdPerDay) === undefined) return null;
  const { accountUsd, ownUsd } = await ledger.spentToday();
  const budgets = [
    { budgetUsd: budgetUsdPerDay, spentUsd: accountUsd },
    { budgetUsd: ownBudgetUsdPerDay, spentUsd: ownUsd },
  ].flatMap(({ budgetUsd, spentUsd }) =>
    budgetUsd === undefined ? [] : [{ budgetUsd, spentUsd }],
  );
  for (const { budgetUsd, spentUsd } of budgets) {
    if (askedUsd > 0 && roundUsd(spentUsd + askedUsd) > budgetUsd) {
      throw new CostRefused({ kind: "over_budget", askedUsd, spentUsd, budgetUsd });
    }
  }
  return budgets.toSorted((a, b) => leftUsd(a) - leftUsd(b))[0] ?? null;
}

/** Handles the request of one run and that of a group, whose inputs have servers of their own. */
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
  const text = shownJson(request);
  const page = pageText(text, 0, REQUEST_BUDGET);
  return page.nextOffset === null ? request : `${page.text}…`;
}
