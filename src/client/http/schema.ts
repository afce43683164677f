/** A zod schema, as far as reading what a backend sends needs one. */
export interface Contract<T> {
  safeParse(
    body: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } };
}
