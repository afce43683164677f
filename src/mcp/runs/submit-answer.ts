import { InvalidRequest, RequestRejected } from "../../client/errors.ts";
import type { AnswerSubmission } from "../../task-api/answer.ts";
import { AnswerNotAccepted } from "./answer-errors.ts";
import type { OpenCall } from "./call-context.ts";

/** Answers a run or asks it for more evidence. Throws `AnswerNotAccepted` with what is to be mended. */
export async function submitAnswer(
  runId: string,
  submission: AnswerSubmission,
  { backend: { client } }: Pick<OpenCall, "backend">,
): Promise<void> {
  try {
    // It goes on when the caller leaves: the answer was given.
    await client.submitAnswer(runId, submission);
  } catch (error) {
    if (!(error instanceof RequestRejected) || (error.status !== 422 && error.status !== 409)) {
      throw error;
    }
    const form = await client.readAnswerForm(runId);
    throw new AnswerNotAccepted({
      runId,
      problems: error instanceof InvalidRequest ? error.problems : [],
      triesLeft: form?.tries_left ?? 0,
      cause: error,
    });
  }
}
