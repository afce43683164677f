import { test } from "vitest";
import { startTestEngine, temporaryFolder } from "../engine/start-test-engine.ts";
import { clientKinds } from "../mcp/connect.ts";
import { BUDGET_USD, STORIES, type StoryHost, createStoryWork } from "../mcp/stories.ts";
import { TOKENS, connectHttp, startHttp } from "../transports/start-http.ts";

const PROFILES = ["hosted", "extended"] as const;

// One server for all stories: users have one, too.
test.each(clientKinds.flatMap((kind) => PROFILES.map((profile) => ({ kind, profile }))))(
  "over HTTP with a token, $kind, $profile profile: every story",
  async ({ kind, profile }) => {
    const work = createStoryWork();
    const engine = await startTestEngine((attempt) => work.execute(attempt), {
      profile,
      prices: {},
    });
    const stateDir = await temporaryFolder();
    let client = await start();
    const host: StoryHost = {
      profile,
      work,
      client: () => client,
      async restart() {
        client = await start();
      },
    };
    for (const { name, tell } of STORIES) {
      await tell(host).catch((error: unknown) => {
        throw new Error(`The story of ${name}: ${String(error)}`, { cause: error });
      });
    }

    async function start() {
      const { url } = await startHttp(engine, { stateDir, deps: { budgetUsdPerDay: BUDGET_USD } });
      return connectHttp(kind, url, TOKENS.alice);
    }
  },
);
