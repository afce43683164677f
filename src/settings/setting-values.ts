import { z } from "zod";
import { parseBaseUrl } from "../client/http/base-url.ts";
import { checkApiKey } from "../client/http/secrets.ts";
import { LOG_LEVELS } from "../options.ts";
import { findProcessor } from "../task-api/processors.ts";

// What the values of settings may be, as text.

/** `5`, and as people write it: `$5`, `5 USD`. */
export const Dollars = z
  .string()
  .transform((value) => value.replaceAll(/^(?:US)?\$\s*|\s*(?:\$|USD|(?:US )?dollars?)$/gi, ""))
  .pipe(z.string().min(1))
  .pipe(z.coerce.number<string>().min(0));
export const Quota = z.coerce.number().int().min(1);
export const Seconds = z.coerce.number<string>().min(1).max(3_600);
/** `cursor=240,codex=120` */
export const WaitCaps = z
  .string()
  .transform((value) => Object.fromEntries(splitList(value.toLowerCase()).map(splitPair)))
  .pipe(z.record(z.string().min(1), Seconds));
export const TOOLSETS = ["runs", "groups"] as const;
export const Toolsets = z
  .string()
  .toLowerCase()
  .transform((value) => splitList(value))
  .pipe(z.array(z.enum(TOOLSETS)).min(1));
export const PROFILES = ["extended", "hosted"] as const;
export const Profile = z.string().toLowerCase().pipe(z.enum(PROFILES));
export const DrainSeconds = z.coerce.number<string>().min(0).max(3_600);
export const HostNames = z
  .string()
  .regex(/^(?:[\w.-]+|\[[\da-f:]+\])(?:\s*,\s*(?:[\w.-]+|\[[\da-f:]+\]))*$/i);
/** As browsers write them: without a path, and in small letters. */
export const Origins = z
  .string()
  .refine((value) =>
    splitList(value).every((one) => URL.canParse(one) && new URL(one).origin === one),
  );
/** What can stand behind `Bearer ` (RFC 6750), and is too long to be guessed. */
export const Token = z.string().regex(/^[\w.~+/-]{16,}=*$/);
export const HttpUrl = z.url({ protocol: /^https?$/ });
export const Days = z.coerce.number().int().min(1);
export const Port = z.coerce.number().int().min(0).max(65_535);

export const Level = z.string().toLowerCase().pipe(z.enum(LOG_LEVELS));
export const TrueOrFalse = z.stringbool();
export const ProcessorName = z
  .string()
  .toLowerCase()
  .regex(/^[\w.-]+$/);
export const KnownProcessor = ProcessorName.refine((name) => findProcessor(name) !== undefined);
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

/** A webhook secret may say in which form it is a key; the secret is what follows. */
export function withoutForm(secret: string): string {
  return secret.replace(/^(?:raw|decoded):/, "");
}

const QUOTED =
  /^(?:"([^"]*)"|'([^']*)'|`([^`]*)`|\u201c([^\u201d]*)\u201d|\u2018([^\u2019]*)\u2019)$/s;

/** What was meant by a value: without the space and the quotation marks around it that hosts and shells leave there. */
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

/** A cap for everybody takes the place of what is known about single clients. */
export function readWaits(
  maxSeconds: number | undefined,
  caps: Record<string, number> | undefined,
): { maxSeconds?: number; byClient?: Record<string, number> } {
  return {
    ...(maxSeconds !== undefined && { maxSeconds, byClient: {} }),
    ...(caps !== undefined && { byClient: caps }),
  };
}
