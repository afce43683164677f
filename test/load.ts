/** How hard tests press: `npm run test:soak` has the full load, every other run a short one. */
export const isFullLoad = process.env["TEST_LOAD"] === "full";

export function load<Amount>({ full, short }: { full: Amount; short: Amount }): Amount {
  return isFullLoad ? full : short;
}
