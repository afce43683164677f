import { z } from "zod";

// What the values of settings may be, as text.

export const Dollars = z.coerce.number().min(0);
export const Quota = z.coerce.number().int().min(1);
export const Seconds = z.coerce.number<string>().min(1).max(3_600);
/** `cursor=240,codex=120` */
export const WaitCaps = z
  .string()
  .transform((value) => Object.fromEntries(splitList(value.toLowerCase()).map(splitPair)))
  .pipe(z.record(z.string().min(1), Seconds));
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

export function splitList(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function splitPair(pair: string): [name: string, value: string] {
  const at = pair.lastIndexOf("=");
  return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()];
}
