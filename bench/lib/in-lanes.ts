/** Works through all items, at most `lanes` at a time. */
export async function inLanes<T>(
  lanes: number,
  all: readonly T[],
  work: (one: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  async function lane(): Promise<void> {
    for (let one = all[next++]; one !== undefined; one = all[next++]) await work(one);
  }
  await Promise.all(Array.from({ length: lanes }, lane));
}
