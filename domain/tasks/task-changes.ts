/** One place in which two versions of a task differ. A version that lacks the place has no value. */
export interface TaskChange {
  /** A JSON pointer (RFC 6901). */
  readonly path: string;
  readonly old?: unknown;
  readonly new?: unknown;
  /** A material change makes a revision, which goes back to approval. */
  readonly material: boolean;
}

/** Fields that may change at any time, without a revision. */
const IMMATERIAL = ['name', 'subgroupId', 'subCampaignIds', 'ratePerSecond'];

export function changesOf(from: object, to: object): TaskChange[] {
  return members(from, to).flatMap((key) => {
    const [old, next] = [memberOf(from, key), memberOf(to, key)];
    return differences(`/${escaped(key)}`, old, next).map((change) => ({
      ...change,
      material: !IMMATERIAL.includes(key),
    }));
  });
}

type Difference = Omit<TaskChange, 'material'>;

function differences(path: string, old: unknown, next: unknown): Difference[] {
  if (Object.is(old, next)) return [];
  if (isContainer(old) && isContainer(next) && Array.isArray(old) === Array.isArray(next)) {
    return members(old, next).flatMap((key) =>
      differences(`${path}/${escaped(key)}`, memberOf(old, key), memberOf(next, key)),
    );
  }
  return [{ path, ...(old === undefined ? {} : { old }), ...(next === undefined ? {} : { new: next }) }];
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function members(from: object, to: object): string[] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])];
}

function memberOf(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
