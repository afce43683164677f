import { checkTaskSpec } from "../../task-api/schema/output-schema-rules.ts";
import { PROCESSORS, findProcessor } from "../../task-api/processors.ts";
import { ExtendedRunInput, RunInput } from "../../task-api/run-input.ts";
import type { RunWarning } from "../../task-api/run.ts";
import { MAX_JSON_LEVELS, isDeeperThan } from "../../http-server/json-depth.ts";
import { tryParseJson } from "../../text/json.ts";
import type { Executor } from "../executors/executor.ts";
import type { RunStore } from "../runs/run-store.ts";
import { checkInput } from "../schema-conformity.ts";
import { yieldToEventLoop } from "../../runtime/event-loop.ts";
import {
  UNSIGNED_WEBHOOK_WARNING,
  type WebhookRules,
  refusalOfWebhookUrl,
} from "../webhooks/check-webhook.ts";
import { ApiError, type FieldProblem, problemsOf, unprocessable } from "./api-error.ts";
import { type BetaHeader, findMissingBetas } from "./beta-header.ts";
import type { Profile } from "./profile.ts";

/** A run input that was accepted, and what is questionable about it. */
export interface CheckedInput {
  input: RunInput;
  warnings: RunWarning[];
}

/**
 * Checks the inputs of a create request. Throws a 422 that lists the problems of all inputs, each with its path in the
 * body, or a 403 for a processor that does not exist. Source: Task API, sections 4 and 10.3.
 */
export async function checkInputs(
  values: readonly { value: unknown; loc: (string | number)[] }[],
  {
    runs,
    tenantId,
    betas,
    webhooks,
    profile,
    warningsFor,
    nowMs,
    problems: found = [],
  }: {
    runs: RunStore;
    tenantId: string;
    betas: BetaHeader;
    webhooks: WebhookRules;
    profile: Profile;
    warningsFor: NonNullable<Executor["warningsFor"]>;
    /** When the request arrived. Sources that are checked for it must be read at or after this time. */
    nowMs: number;
    /** Problems of the request that the caller has already found. */
    problems?: readonly FieldProblem[];
  },
): Promise<CheckedInput[]> {
  const schema = profile === "hosted" ? RunInput : ExtendedRunInput;
  const problems: FieldProblem[] = [...found];
  const unknownProcessors: FieldProblem[] = [];
  const checked: CheckedInput[] = [];
  for (const { value, loc } of values) {
    await yieldToEventLoop();
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      problems.push(...problemsOf(parsed.error, loc));
      continue;
    }
    const { processor } = parsed.data;
    if (findProcessor(processor) === undefined) {
      unknownProcessors.push({
        type: "processor_unknown",
        loc: [...loc, "processor"],
        msg: `there is no processor "${processor}"`,
      });
    }
    const { errors, warnings } = checkTaskSpec(parsed.data);
    problems.push(
      ...errors.map(({ pointer, message }) => ({
        type: "spec_invalid",
        loc: [...loc, ...pointer.split("/").slice(1)],
        msg: message,
      })),
      ...findMissingBetas(parsed.data, betas, loc),
      ...checkWebhook(parsed.data, webhooks, loc),
      ...(await checkPredecessor(parsed.data, { runs, tenantId, loc })),
    );
    checked.push({
      input: parsed.data,
      warnings: [
        ...warnings.map(({ pointer, message }) => ({
          type: "spec_validation_warning",
          message: `${pointer}: ${message}`,
          detail: null,
        })),
        ...(await checkInput(parsed.data)),
        ...(await warningsFor(parsed.data, nowMs)),
        ...unusedSettings(parsed.data),
        ...(parsed.data.webhook && !webhooks.areSigned ? [UNSIGNED_WEBHOOK_WARNING] : []),
      ],
    });
  }
  if (problems.length > 0) throw unprocessable(problems);
  if (unknownProcessors.length > 0) {
    throw new ApiError(403, "Forbidden: invalid processor in request", {
      detail: {
        known_processors: PROCESSORS.map(({ name }) => name),
        errors: unknownProcessors,
      },
    });
  }
  return checked;
}

function checkWebhook(
  { webhook }: RunInput,
  { allowed }: WebhookRules,
  loc: (string | number)[],
): FieldProblem[] {
  const refusal = webhook ? refusalOfWebhookUrl(webhook.url, allowed) : null;
  if (refusal === null) return [];
  return [{ type: "webhook_refused", loc: [...loc, "webhook", "url"], msg: refusal }];
}

async function checkPredecessor(
  { previous_interaction_id: previous }: RunInput,
  { runs, tenantId, loc }: { runs: RunStore; tenantId: string; loc: (string | number)[] },
): Promise<FieldProblem[]> {
  if (!previous || (await runs.findInteraction(tenantId, previous)) !== undefined) return [];
  return [
    {
      type: "interaction_unknown",
      loc: [...loc, "previous_interaction_id"],
      msg: "no run has this interaction_id; use the one of an earlier run, or leave it out",
    },
  ];
}

/** Settings that the API accepts and stores, but that none of our executors uses. The run gets a warning about each. */
function unusedSettings({ memory_scope_key, advanced_settings }: RunInput): RunWarning[] {
  const unused = [
    memory_scope_key ? "memory_scope_key" : null,
    advanced_settings?.location ? "advanced_settings.location" : null,
    advanced_settings?.data_sources ? "advanced_settings.data_sources" : null,
  ];
  return unused
    .filter((name) => name !== null)
    .map((name) => ({
      type: "warning",
      message: `${name} has no effect on this engine`,
      detail: null,
    }));
}

/** The JSON value of a body; throws a 422. */
export function parseJsonBody(text: string): unknown {
  const value = tryParseJson(text);
  if (value === undefined) {
    throw unprocessable([{ type: "json_invalid", loc: ["body"], msg: "the body must be JSON" }]);
  }
  if (isDeeperThan(value, MAX_JSON_LEVELS)) {
    const msg = `objects and lists are nested more than ${MAX_JSON_LEVELS} levels deep; flatten them`;
    throw unprocessable([{ type: "nesting_too_deep", loc: ["body"], msg }]);
  }
  return value;
}
