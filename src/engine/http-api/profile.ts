/** `extended`: the Task API and our extensions. `hosted`: exactly what the hosted API does, where ours does more. */
export type Profile = "extended" | "hosted";
