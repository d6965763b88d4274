/**
 * For the top of a test file: what is opened before its tests, or before each of them, as a constant. It is a copy: not
 * for an object whose properties change.
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
