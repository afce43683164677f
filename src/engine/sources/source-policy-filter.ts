import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourcePolicy } from "../../task-api/run-input.ts";

/** The properties of a source that a policy checks. */
export interface PolicedSource {
  url: string;
  /** `YYYY-MM-DD`; null when unknown. */
  publishedOn: string | null;
  /** The location of a document: its folder, and its path inside the folder. */
  place?: SourcePlace;
}

export interface SourcePlace {
  folder: string;
  path: string;
}

/** Whether the source is one that an entry of a policy names. */
export type SourceMatcher = (source: PolicedSource) => boolean;

/**
 * Which sources a run with this policy may use. An apex domain covers its subdomains, `.gov` covers every domain that ends
 * so, `example.com/docs` covers whole path segments; `www.` makes no difference. An entry may also name documents of a
 * folder: see {@link matcherOf}. `include_domains` makes `exclude_domains` void; a file without a web address is on no
 * domain. With `after_date`, a source of unknown date is left out, for it may be older. Source: Task API, `source_policy`.
 */
export function createSourceFilter(policy: SourcePolicy | null | undefined): SourceMatcher {
  if (policy === null || policy === undefined) return () => true;
  const { include_domains = [], exclude_domains = [], after_date } = policy;
  const include = include_domains.map(matcherOf);
  const exclude = exclude_domains.map(matcherOf);
  return (source) => {
    const isNewEnough =
      after_date === null ||
      after_date === undefined ||
      (source.publishedOn !== null && source.publishedOn >= after_date);
    if (!isNewEnough) return false;
    const isNamed: (matches: SourceMatcher) => boolean = (matches) => matches(source);
    return include.length > 0 ? include.some(isNamed) : !exclude.some(isNamed);
  };
}

/** {@link createSourceFilter} for one source. */
export function isAllowedSource(
  source: PolicedSource,
  policy: SourcePolicy | null | undefined,
): boolean {
  return createSourceFilter(policy)(source);
}

/**
 * Matches what a policy entry names. An entry is a domain, or a file or folder of the documents: by its path inside the
 * document folder, by that path after the folder's name, by its absolute path, or by the `file:` URL that citations
 * use. In paths, case and a slash at either end are ignored.
 */
export function matcherOf(entry: string): SourceMatcher {
  const [domain = "", ...segments] = entry.split("/");
  const path = segments.filter((segment) => segment !== "");
  const wanted = posix.normalize(comparable(readPath(entry))).replaceAll(/^\/+|\/+$/g, "");
  return ({ url, place }) => {
    if (place !== undefined && namesOf(place).some((name) => isWithin(name, wanted))) return true;
    const { hostname, pathname } = new URL(url);
    return (
      hostname !== "" &&
      matchesHost(hostname, domain) &&
      path.every((part, at) => pathname.split("/")[at + 1] === part)
    );
  };
}

function isWithin(name: string, wanted: string): boolean {
  return wanted === "" || wanted === "." || name === wanted || name.startsWith(`${wanted}/`);
}

function readPath(entry: string): string {
  if (!/^file:/i.test(entry)) return entry;
  try {
    return fileURLToPath(entry);
  } catch {
    // A URL of another machine names no path here.
    return entry;
  }
}

/** macOS writes accents apart from their letters in file names; Windows has backslashes. */
function comparable(path: string): string {
  return path.normalize("NFC").toLowerCase().replaceAll("\\", "/");
}

const namesByPlace = new WeakMap<SourcePlace, readonly string[]>();

/** The names by which a document is called, as they are compared. Made once: there may be many documents. */
function namesOf(place: SourcePlace): readonly string[] {
  const known = namesByPlace.get(place);
  if (known !== undefined) return known;
  const [folder, path] = [comparable(place.folder), comparable(place.path)];
  const absolute = `${folder}/${path}`.replace(/^\/+/, "");
  const names = [path, `${folder.slice(folder.lastIndexOf("/") + 1)}/${path}`, absolute];
  namesByPlace.set(place, names);
  return names;
}

function matchesHost(hostname: string, domain: string): boolean {
  const host = withoutWww(hostname);
  const wanted = withoutWww(domain.toLowerCase());
  if (wanted.startsWith(".")) return host.endsWith(wanted);
  return host === wanted || host.endsWith(`.${wanted}`);
}

/** `www.example.org.` and `example.org` are one host. */
export function withoutWww(host: string): string {
  return host.replace(/^www\./, "").replace(/\.$/, "");
}
