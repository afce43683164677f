/** One method of one path; the path as Hono writes it, with `:name` for a parameter. */
export interface Endpoint {
  method: string;
  path: string;
}

/** `extended`: the Task API and our extensions. `hosted`: exactly what the hosted API does, where ours does more. */
export type ApiProfile = "extended" | "hosted";

/** The endpoints that the hosted API does not have. Source: Task API, section 3, "Absent everywhere". */
const EXTENSIONS: readonly Endpoint[] = [
  { method: "GET", path: "/v1/tasks/processors" },
  { method: "GET", path: "/v1/tasks/runs" },
  { method: "POST", path: "/v1/tasks/runs/check" },
  { method: "POST", path: "/v1/tasks/runs/:run_id/cancel" },
  { method: "POST", path: "/v1/tasks/groups/:taskgroup_id/cancel" },
  { method: "POST", path: "/v1beta/tasks/groups/:taskgroup_id/cancel" },
];

/** Whether callers of `profile` see the endpoint. Our operator's endpoints stay: they are beside the API, not in it. */
export function isInProfile({ method, path }: Endpoint, profile: ApiProfile): boolean {
  return (
    profile === "extended" ||
    !EXTENSIONS.some((extension) => extension.method === method && extension.path === path)
  );
}
