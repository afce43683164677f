import type { SourcePolicy } from "../../../task-api/run-input.ts";
import {
  type PolicedSource,
  type SourceMatcher,
  type SourcePlace,
  createSourceFilter,
  matcherOf,
  withoutWww,
} from "../source-policy-filter.ts";

/** Entries of a policy that name no document, or a policy that leaves none. */
export interface UnknownSources {
  entries: string[];
  /** Whether the policy admits no document at all. */
  isEmpty: boolean;
  /** The names that most documents have: folders and domains. */
  known: string[];
}

/** Each entry is compared with every document once; of a policy with more entries only the first are checked. */
const MAX_CHECKED = 20;
/** Enough to see the kind of names that there are. */
const MAX_KNOWN = 8;
/** The number of entries whose result is cached until a document changes. */
const MAX_REMEMBERED = 1_000;

/** Which names the documents of an index have. Answers are cached, because many runs have the same policy. */
export function createSourceNames(documents: readonly (PolicedSource & { place: SourcePlace })[]): {
  unknownIn(policy: SourcePolicy): UnknownSources | null;
} {
  const answers = new Map<string, boolean>();
  let known: string[] | undefined;

  function hasAny(key: string, createMatcher: () => SourceMatcher): boolean {
    const answer = answers.get(key) ?? documents.some(createMatcher());
    if (answers.size >= MAX_REMEMBERED) answers.clear();
    answers.set(key, answer);
    return answer;
  }

  return {
    unknownIn(policy) {
      const { include_domains: include = [], exclude_domains: exclude = [], after_date } = policy;
      const all = [...new Set(include.length > 0 ? include : exclude)];
      const checked = all.slice(0, MAX_CHECKED);
      const entries = checked.filter((entry) => !hasAny(entry, () => matcherOf(entry)));
      const isEmpty =
        include.length > 0 && !after_date
          ? entries.length === all.length
          : all.length <= MAX_CHECKED &&
            !hasAny(JSON.stringify(policy), () => createSourceFilter(policy));
      if (entries.length === 0 && (!isEmpty || documents.length === 0)) return null;
      known ??= commonNames(documents);
      return { entries, isEmpty, known };
    },
  };
}

function commonNames(documents: readonly (PolicedSource & { place: SourcePlace })[]): string[] {
  const counts = new Map<string, number>();
  for (const { url, place } of documents) {
    const host = withoutWww(new URL(url).hostname);
    const [folder = "", ...inner] = place.path.split("/");
    const names = [...(host === "" ? [] : [host]), ...(inner.length > 0 ? [`${folder}/`] : [])];
    // A document with neither is named by its file name.
    for (const name of names.length > 0 ? names : [place.path]) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const byCount = [...counts].toSorted(([, a], [, b]) => b - a).map(([name]) => name);
  return [...byCount.slice(0, MAX_KNOWN), ...(byCount.length > MAX_KNOWN ? ["…"] : [])];
}
