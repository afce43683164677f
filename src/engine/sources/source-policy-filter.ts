import type { SourcePolicy } from "../../task-api/run-input.ts";

/** What a policy looks at. */
export interface PolicedSource {
  url: string;
  /** `YYYY-MM-DD`; null when unknown. */
  publishedOn: string | null;
}

/**
 * Whether a run with this policy may use the source. An apex domain covers its subdomains, `.gov` covers every domain
 * that ends so, `example.com/docs` covers whole path segments; `www.` makes no difference. `include_domains` makes
 * `exclude_domains` void; a file without a web address is on no domain. With `after_date`, a source of unknown date is
 * left out, for it may be older. Source: Task API, `source_policy`.
 */
export function isAllowedSource(
  source: PolicedSource,
  policy: SourcePolicy | null | undefined,
): boolean {
  if (policy === null || policy === undefined) return true;
  const { include_domains: include = [], exclude_domains: exclude = [], after_date } = policy;
  const isNewEnough =
    after_date === null ||
    after_date === undefined ||
    (source.publishedOn !== null && source.publishedOn >= after_date);
  if (!isNewEnough) return false;
  const isOnDomain = (entry: string) => matchesDomain(source.url, entry);
  return include.length > 0 ? include.some(isOnDomain) : !exclude.some(isOnDomain);
}

function matchesDomain(url: string, entry: string): boolean {
  const { hostname, pathname } = new URL(url);
  if (hostname === "") return false;
  const [domain = "", ...segments] = entry.split("/");
  const path = segments.filter((segment) => segment !== "");
  return (
    matchesHost(hostname, domain) && path.every((part, at) => pathname.split("/")[at + 1] === part)
  );
}

function matchesHost(hostname: string, domain: string): boolean {
  const host = withoutWww(hostname);
  const wanted = withoutWww(domain.toLowerCase());
  if (wanted.startsWith(".")) return host.endsWith(wanted);
  return host === wanted || host.endsWith(`.${wanted}`);
}

function withoutWww(host: string): string {
  return host.replace(/^www\./, "").replace(/\.$/, "");
}
