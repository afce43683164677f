// Asks a question from a program: starts an engine, creates a run, prints its progress and the answer with its sources.
// Run after `npm run build`: node examples/library/plain.mjs "What was the GDP of France in 2023?"
import { createTaskApiClient, startEngine, TaskApiError } from "task-run-mcp";

const [question = "What was the GDP of France in 2023?"] = process.argv.slice(2);

// To use Parallel's Task API, leave the engine out: createTaskApiClient({ apiKey: process.env.PARALLEL_API_KEY }).
const engine = await startEngine();
const client = createTaskApiClient({ baseUrl: engine.url });
try {
  const { run_id } = await client.createRun({
    input: question,
    processor: "base",
    // Records progress. The default is off below the processor `pro`.
    enable_events: true,
  });
  // All watchers of a run share one connection, which reconnects.
  for await (const { percent, latestMessage, run, output } of client.watchRun(run_id)) {
    console.error(`${percent} % ${latestMessage ?? run.status}`);
    if (run.is_active) continue;
    if (output === null) throw new Error(run.error?.message ?? `The run is ${run.status}.`);
    console.log(output.content);
    for (const { citations } of output.basis) {
      for (const { title, url } of citations ?? []) console.log(`- ${title ?? ""} ${url}`);
    }
  }
} catch (error) {
  if (!(error instanceof TaskApiError)) throw error;
  // `message` is safe to show; `upstreamMessage` is untrusted text from the backend.
  console.error(error.message, error.upstreamMessage ?? "");
  process.exitCode = 1;
} finally {
  await client.close();
  await engine.close();
}
