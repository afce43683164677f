// A question from a program: an engine in this process, a run on it, its progress, and the answer with its sources.
// Run it after `npm run build`: node examples/library/plain.mjs "What was the GDP of France in 2023?"
import { createTaskApiClient, startEngine, TaskApiError } from "task-run-mcp";

const [question = "What was the GDP of France in 2023?"] = process.argv.slice(2);

// For Parallel's Task API leave the engine out: createTaskApiClient({ apiKey: process.env.PARALLEL_API_KEY }).
const engine = await startEngine();
const client = createTaskApiClient({ baseUrl: engine.url });
try {
  const { run_id } = await client.createRun({
    input: question,
    processor: "base",
    // Progress; below the processor `pro` it is off unless it is asked for.
    enable_events: true,
  });
  // All who watch a run share one connection; a broken one is opened again.
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
  // The message is safe to show; the backend's own words are untrusted text.
  console.error(error.message, error.upstreamMessage ?? "");
  process.exitCode = 1;
} finally {
  await client.close();
  await engine.close();
}
