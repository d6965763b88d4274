/**
 * For the top of a test file: an object opened before all tests, or before each, as a constant. The constant
 * is a copy, so objects whose properties change do not work.
 */
export function fixture<T extends object>(
  before: (run: () => Promise<void>) => void,
  open: () => Promise<T>,
): T {
  const opened = {} as T;
  before(async () => {
    Object.assign(opened, await open());
  });
  return opened;
}
