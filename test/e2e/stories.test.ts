import { join } from "node:path";
import { onTestFinished, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { serveTaskApi } from "../../src/engine/http-api/serve.ts";
import { openLedgerStore } from "../../src/ledger/open-ledger-store.ts";
import { silentLog, startTestEngine, temporaryFolder } from "../engine/start-test-engine.ts";
import { type ClientKind, backendOn, clientKinds, connect } from "../mcp/connect.ts";
import {
  BUDGET_USD,
  STORIES,
  type StoryClient,
  type StoryHost,
  createStoryWork,
} from "../mcp/stories.ts";
import { connectStdio } from "./built-binary.ts";

const PROFILES = ["hosted", "extended"] as const;
type Profile = (typeof PROFILES)[number];

async function startStoryEngine(profile: Profile) {
  const work = createStoryWork();
  return {
    work,
    engine: await startTestEngine((attempt) => work.execute(attempt), {
      profile,
      prices: {},
    }),
  };
}

/** A server in this process, in front of the engine; its ledger is a file. */
async function serveInProcess(kind: ClientKind, profile: Profile): Promise<StoryHost> {
  const { work, engine } = await startStoryEngine(profile);
  const path = join(await temporaryFolder(), "ledger.sqlite");
  let client = await start();
  return {
    profile,
    work,
    client: () => client,
    async restart() {
      client = await start();
    },
  };

  async function start(): Promise<StoryClient> {
    const ledgers = await openLedgerStore({ path, now: Date.now, log: silentLog });
    onTestFinished(() => ledgers.close());
    const ledger = ledgers.of({ backend: "stories", keyFingerprint: null, principal: null });
    const backend = { ...(await backendOn(engine, "custom")), ledger };
    return connect(async () => backend, { kind, budgetUsdPerDay: BUDGET_USD });
  }
}

/** The installed program, in front of the engine on a port; a crash is a `SIGKILL`. */
async function serveOverStdio(kind: ClientKind, profile: Profile): Promise<StoryHost> {
  const { work, engine } = await startStoryEngine(profile);
  const url = await listen(engine);
  const stateDir = await temporaryFolder();
  let { client, pid } = await start();
  return {
    profile,
    work,
    client: () => client,
    async restart() {
      process.kill(pid, "SIGKILL");
      ({ client, pid } = await start());
    },
  };

  async function start(): Promise<{ client: StoryClient; pid: number }> {
    const connection = await connectStdio(kind, {
      stateDir,
      args: ["--budget-usd", String(BUDGET_USD)],
      env: { PARALLEL_BASE_URL: url },
    });
    return { pid: connection.pid, client: connection };
  }
}

async function listen(engine: Engine): Promise<string> {
  const server = await serveTaskApi(engine.fetch, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close());
  return server.url;
}

const TRANSPORTS = [
  ["in process", serveInProcess],
  ["over stdio", serveOverStdio],
] as const;

// One server for all stories: starting it is what takes the time, and users have one, too.
test.each(
  TRANSPORTS.flatMap(([transport, serve]) =>
    clientKinds.flatMap((kind) => PROFILES.map((profile) => ({ transport, serve, kind, profile }))),
  ),
)("$transport, $kind, $profile profile: every story", async ({ serve, kind, profile }) => {
  const host = await serve(kind, profile);
  for (const { name, tell } of STORIES) {
    await tell(host).catch((error: unknown) => {
      throw new Error(`The story of ${name}: ${String(error)}`, { cause: error });
    });
  }
});
