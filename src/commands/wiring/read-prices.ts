import { readFile } from "node:fs/promises";
import { z } from "zod";
import { UsageError } from "../exit-code.ts";

const Prices = z.record(z.string().min(1), z.number().min(0), {
  error: 'write an object of US dollars by processor, such as {"base": 0.01}',
});

/** The operator's price list: US dollars per completed run, by processor. Throws {@link UsageError}. */
export async function readPrices(file: string): Promise<Record<string, number>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--prices ${file}: not a readable JSON file (${reason})`);
  }
  const parsed = Prices.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--prices ${file}: ${z.prettifyError(parsed.error)}`);
}
