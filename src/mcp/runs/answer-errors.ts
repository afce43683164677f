import type { RequestRejected } from "../../client/errors.ts";
import type { ValidationProblem } from "../../task-api/error-body.ts";

/** A submitted answer was not taken: it is to be mended, or the run waits for none. */
export class AnswerNotAccepted extends Error {
  override readonly name = "AnswerNotAccepted";
  override readonly cause: RequestRejected;
  readonly runId: string;
  readonly problems: readonly ValidationProblem[];
  /** 0: the run takes no answer any more. */
  readonly triesLeft: number;

  constructor({
    runId,
    problems,
    triesLeft,
    cause,
  }: Pick<AnswerNotAccepted, "runId" | "problems" | "triesLeft" | "cause">) {
    super("The answer was not accepted");
    this.runId = runId;
    this.problems = problems;
    this.triesLeft = triesLeft;
    this.cause = cause;
  }
}
