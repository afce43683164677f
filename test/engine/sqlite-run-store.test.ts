import { join } from "node:path";
import { openRunStore } from "./open-run-store.ts";
import { describeRunStore } from "./run-store-contract.ts";
import { temporaryFolder } from "./start-test-engine.ts";

describeRunStore("the run store on SQLite", async () => {
  const path = join(await temporaryFolder(), "engine.sqlite");
  return { open: async (clock) => (await openRunStore(path, clock)).runs };
});
