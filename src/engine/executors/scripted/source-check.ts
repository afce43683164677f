import type { SourcePolicy } from "../../../task-api/run-input.ts";
import type { RunWarning } from "../../../task-api/run.ts";
import { isAllowedSource } from "../../sources/source-policy-filter.ts";

/** Decides which citations of a script a run may have, and counts. */
export interface SourceCheck {
  /** `publishedOn` is `YYYY-MM-DD`; a source without it may be older than any `after_date`. */
  admits(url: string, publishedOn?: string): boolean;
  /** What was left out so far, for the run's owner. */
  warnings(): RunWarning[];
}

export function createSourceCheck(policy: SourcePolicy | null | undefined): SourceCheck {
  let asked = 0;
  let refused = 0;
  return {
    admits(url, publishedOn) {
      const source = { url: addressOf(url), publishedOn: publishedOn ?? null };
      const isAdmitted = isAllowedSource(source, policy);
      asked += 1;
      if (!isAdmitted) refused += 1;
      return isAdmitted;
    },
    warnings() {
      if (refused === 0) return [];
      const message = `source_policy does not admit ${refused} of the script's ${asked} citations; they were left out.`;
      return [{ type: "warning", message, detail: {} }];
    },
  };
}

/** A script may cite any text. What is no address is on no domain, as a file. */
function addressOf(url: string): string {
  return URL.canParse(url) ? url : "file:///";
}
