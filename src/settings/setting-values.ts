import { z } from "zod";
import { checkApiKey, parseBaseUrl } from "../client/http/connection-options.ts";
import { LOG_LEVELS } from "../options.ts";
import { findProcessor } from "../task-api/processors.ts";

// Schemas for the text values of settings.

/** Accepts `5`, `$5` and `5 USD`. */
export const Dollars = z
  .string()
  .transform((value) => value.replaceAll(/^(?:US)?\$\s*|\s*(?:\$|USD|(?:US )?dollars?)$/gi, ""))
  .pipe(z.string().min(1))
  .pipe(z.coerce.number<string>().min(0));
export const Quota = z.coerce.number().int().min(1);
export const MaxWaitSeconds = z.coerce.number<string>().min(1).max(3_600);
/** Accepts `cursor=240,codex=120`. */
export const WaitCaps = z
  .string()
  .transform((value) => Object.fromEntries(splitList(value.toLowerCase()).map(splitPair)))
  .pipe(z.record(z.string().min(1), MaxWaitSeconds));
export const TOOLSETS = ["runs", "groups"] as const;
export const Toolsets = z
  .string()
  .toLowerCase()
  .transform((value) => splitList(value))
  .pipe(z.array(z.enum(TOOLSETS)).min(1));
export const ProcessorName = z
  .string()
  .toLowerCase()
  .regex(/^[\w.-]+$/);
export const KnownProcessor = ProcessorName.refine((name) => findProcessor(name) !== undefined);
export const EXECUTORS = ["extractive", "host", "scripted"] as const;
export type ExecutorName = (typeof EXECUTORS)[number];
/** Accepts `host` (for every processor) and `pro=host,ultra=host`; the result has `*` for every processor. */
export const ExecutorChoice = z
  .string()
  .transform((value) =>
    Object.fromEntries(
      splitList(value.toLowerCase()).map((part) =>
        part.includes("=") ? splitPair(part) : ["*", part],
      ),
    ),
  )
  .pipe(
    z.record(
      z.union([z.literal("*"), KnownProcessor], { error: "no processor" }),
      z.enum(EXECUTORS),
    ),
  );
export const PROFILES = ["extended", "hosted"] as const;
export const ApiProfile = z.string().toLowerCase().pipe(z.enum(PROFILES));
export const DrainSeconds = z.coerce.number<string>().min(0).max(3_600);
export const HostNames = z
  .string()
  .regex(/^(?:[\w.-]+|\[[\da-f:]+\])(?:\s*,\s*(?:[\w.-]+|\[[\da-f:]+\]))*$/i);
/** Origins as browsers send them: lower case, without a path. */
export const Origins = z
  .string()
  .refine((value) =>
    splitList(value).every((one) => URL.canParse(one) && new URL(one).origin === one),
  );
/** A `b64token` (RFC 6750, 2.1) that is too long to guess. */
export const Token = z.string().regex(/^[\w.~+/-]{16,}=*$/);
export const HttpUrl = z.url({ protocol: /^https?$/ });
export const Days = z.coerce.number().int().min(1);
export const Port = z.coerce.number().int().min(0).max(65_535);

export const Level = z.string().toLowerCase().pipe(z.enum(LOG_LEVELS));
export const TrueOrFalse = z.stringbool();
export const ApiKey = z.string().refine((key) => isAccepted(checkApiKey, key));
export const BaseUrl = z.string().refine((url) => isAccepted(parseBaseUrl, url));

function isAccepted(check: (text: string) => unknown, text: string): boolean {
  try {
    check(text);
    return true;
  } catch {
    return false;
  }
}

export function splitList(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map(cleanSetting)
    .filter((part) => part !== "");
}

/** Removes the prefix that says how the engine decodes a webhook secret; logs contain only the part after it. */
export function withoutSecretPrefix(secret: string): string {
  return secret.replace(/^(?:raw|decoded):/, "");
}

const QUOTED =
  /^(?:"([^"]*)"|'([^']*)'|`([^`]*)`|\u201c([^\u201d]*)\u201d|\u2018([^\u2019]*)\u2019)$/s;

/** Removes the space and quotation marks that hosts and shells leave around a value. */
export function cleanSetting(text: string): string {
  const value = text.replaceAll(/^[\s\u200b]+|[\s\u200b]+$/g, "");
  const inner = QUOTED.exec(value)
    ?.slice(1)
    .find((part) => part !== undefined);
  return inner === undefined ? value : cleanSetting(inner);
}

function splitPair(pair: string): [name: string, value: string] {
  const at = pair.lastIndexOf("=");
  return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()];
}

/** A cap for all clients replaces the built-in caps of single clients; `caps` of the operator win over both. */
export function readWaits(
  maxSeconds: number | undefined,
  caps: Record<string, number> | undefined,
): { maxSeconds?: number; byClient?: Record<string, number> } {
  return {
    ...(maxSeconds !== undefined && { maxSeconds, byClient: {} }),
    ...(caps !== undefined && { byClient: caps }),
  };
}
