import type { Logger } from "pino";
import type { Engine } from "../engine/engine.ts";

/** Starts our own engine over a document folder. Its modules load here, so that nobody else waits for them. */
export async function startEngine({
  documents,
  databasePath,
  apiKey,
  log,
}: {
  documents: string;
  databasePath: string;
  apiKey?: string | undefined;
  log: Logger;
}): Promise<Engine> {
  const [{ createEngine }, { singleTenant }, { createExtractiveExecutor }] = await Promise.all([
    import("../engine/engine.ts"),
    import("../engine/tenants/tenants.ts"),
    import("../engine/executors/extractive.ts"),
  ]);
  return createEngine({
    databasePath,
    createExecutor: ({ db, log: executorLog }) =>
      createExtractiveExecutor({ db, folder: documents, log: executorLog }),
    tenants: singleTenant(apiKey),
    log,
  });
}
