import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Config, Settings } from "../../config.ts";
import type { SettingName } from "../../options.ts";
import { UsageError } from "../../runtime/usage-error.ts";
import { errorMessage } from "../../text/error-message.ts";
import { parseJson } from "../../text/json.ts";
import { type WrongSetting, wrongSettingText } from "../../settings/setting-reader.ts";

/**
 * Tries the settings that can only be checked by using them: files, folders, networks and secrets. Returns those that
 * cannot be used.
 */
export async function checkSettings(
  { backend, bridge }: Pick<Config, "backend" | "bridge">,
  nameOf: Settings["nameOf"],
): Promise<WrongSetting[]> {
  const problems: WrongSetting[] = [];

  async function check(setting: SettingName, use: () => unknown): Promise<void> {
    try {
      await use();
    } catch (error) {
      problems.push({ setting, message: wrongSettingText(nameOf(setting), errorMessage(error)) });
    }
  }

  if (backend.kind === "embedded") {
    const { documents, script, allowNetworks, webhookSecrets } = backend.engine;
    const [{ readNetworks }, { readWebhookSecret }] = await Promise.all([
      import("../../engine/outgoing/networks.ts"),
      import("../../engine/webhooks/webhook-secret.ts"),
    ]);
    if (script === undefined) {
      const { resolveDocumentFolder } =
        await import("../../engine/sources/folder/document-folder.ts");
      for (const folder of documents) await check("documents", () => resolveDocumentFolder(folder));
    } else {
      const { readScript } = await import("../../engine/executors/scripted/read-script.ts");
      await check("script", () => readScript(script));
    }
    await check("allowNetworks", () => readNetworks(allowNetworks));
    await check("webhookSecrets", () => webhookSecrets.map(readWebhookSecret));
  } else {
    const { checkBetas } = await import("../../client/calls/beta-features.ts");
    await check("betas", () => checkBetas(backend.betas));
  }
  const { pricesFile } = bridge;
  if (pricesFile !== undefined) await check("prices", () => readPrices(pricesFile));
  return problems;
}

const Prices = z.record(z.string().min(1), z.number().min(0), {
  error: 'write an object of US dollars by processor, such as {"base": 0.01}',
});

/** The operator's price list: US dollars per completed run, by processor. Throws {@link UsageError}. */
export async function readPrices(file: string): Promise<Record<string, number>> {
  let json: unknown;
  try {
    json = parseJson(await readFile(file, "utf8"));
  } catch (error) {
    throw new UsageError(`--prices ${file}: not a readable JSON file (${errorMessage(error)})`);
  }
  const parsed = Prices.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--prices ${file}: ${z.prettifyError(parsed.error)}`);
}
