const AT_ONCE = 16;

/** Calls the function for 0 … count − 1, a few at a time; the results are in order. */
export async function inParallel<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  const results: Promise<T>[] = [];
  let next = 0;
  async function lane(): Promise<void> {
    while (next < count) {
      const index = next++;
      const result = call(index);
      results[index] = result;
      await result;
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return await Promise.all(results);
}
