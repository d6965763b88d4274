import { z } from 'zod';
import { type AudienceRule, CONDITIONS, MAX_VALUES, RULE_LIMITS } from './audience-rule.ts';

export interface RuleFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const GROUPS = ['all', 'any', 'not'] as const;
type Group = (typeof GROUPS)[number];
const FIELDS = Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[];

interface Walk {
  readonly faults: RuleFault[];
  nodes: number;
}

/**
 * Every fault of a possible rule, each with its path. Empty for a valid rule. The walk visits no more nodes
 * and levels than a rule may have, so that a huge input costs nothing.
 */
export function faultsOfRule(value: unknown): RuleFault[] {
  const walk: Walk = { faults: [], nodes: 0 };
  checkNode(walk, value, []);
  if (walk.nodes > RULE_LIMITS.nodes) {
    walk.faults.unshift({
      path: [],
      message: `must have at most ${RULE_LIMITS.nodes} conditions and groups`,
    });
  }
  return walk.faults.slice(0, RULE_LIMITS.faults);
}

function checkNode(walk: Walk, value: unknown, path: readonly PropertyKey[], depth = 1): void {
  walk.nodes += 1;
  if (walk.nodes > RULE_LIMITS.nodes) return;
  const fault = (message: string, place = path) => walk.faults.push({ path: place, message });
  if (depth > RULE_LIMITS.depth)
    return void fault(`must not be nested deeper than ${RULE_LIMITS.depth} levels`);
  if (!isObject(value)) return void fault('must be an object with field, all, any or not');
  const groups = GROUPS.filter((name) => Object.hasOwn(value, name));
  const [group] = groups;
  if (group === undefined) {
    checkCondition(walk, value, path);
    return;
  }
  for (const name of Object.keys(value).slice(0, RULE_LIMITS.faults)) {
    if (name === group) continue;
    const isGroup = GROUPS.some((one) => one === name);
    fault(isGroup ? `must be omitted when ${group} is set` : 'is not a known field', [...path, name]);
  }
  checkGroup(walk, group, value[group], [...path, group], depth);
}

function checkGroup(
  walk: Walk,
  group: Group,
  value: unknown,
  path: readonly PropertyKey[],
  depth: number,
): void {
  if (group === 'not') {
    checkNode(walk, value, path, depth + 1);
    return;
  }
  if (!Array.isArray(value)) return void walk.faults.push({ path, message: 'must be a list of rules' });
  if (value.length === 0) walk.faults.push({ path, message: 'must not be empty' });
  for (const [index, member] of value.entries()) {
    if (walk.nodes > RULE_LIMITS.nodes) return;
    checkNode(walk, member, [...path, index], depth + 1);
  }
}

function checkCondition(walk: Walk, value: Record<string, unknown>, path: readonly PropertyKey[]): void {
  const field = FIELDS.find((name) => name === value['field']);
  if (field === undefined) {
    const message = `must be one of ${FIELDS.join(', ')}; for a group, use all, any or not`;
    walk.faults.push({ path: [...path, 'field'], message });
    return;
  }
  const long = longLists(value, path);
  if (long.length > 0) {
    walk.faults.push(...long);
    return;
  }
  const parsed = CONDITIONS[field].safeParse(value);
  for (const issue of parsed.error?.issues ?? []) {
    const places = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, RULE_LIMITS.faults) : undefined;
    for (const key of places ?? []) {
      walk.faults.push({ path: [...path, ...issue.path, key], message: 'is not a known field' });
    }
    if (places === undefined) walk.faults.push({ path: [...path, ...issue.path], message: issue.message });
  }
}

/** Long lists are found first, because a schema would report a million faults for a list of a million. */
function longLists(value: unknown, path: readonly PropertyKey[], depth = 0): RuleFault[] {
  if (Array.isArray(value) && value.length > MAX_VALUES) {
    return [{ path, message: `must have at most ${MAX_VALUES} values` }];
  }
  if (typeof value !== 'object' || value === null || depth === 3) return [];
  const members = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return members.flatMap(([name, member]) => longLists(member, [...path, name], depth + 1));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SELF = { $ref: '#/components/schemas/AudienceRule' };
const group = (name: Group, schema: object) => ({
  type: 'object',
  properties: { [name]: schema },
  required: [name],
  additionalProperties: false,
});

/** A rule, stored as written. A walk finds its faults, as a union of schemas would not name their paths. */
export const AudienceRuleSchema = z
  .unknown()
  .superRefine((value, context) => {
    for (const { path, message } of faultsOfRule(value)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  })
  .meta({
    id: 'AudienceRule',
    description: `At most ${RULE_LIMITS.nodes} conditions and groups, ${RULE_LIMITS.depth} levels deep; see docs/audiences.md`,
    oneOf: [
      group('all', { type: 'array', items: SELF, minItems: 1 }),
      group('any', { type: 'array', items: SELF, minItems: 1 }),
      group('not', SELF),
      ...[...new Set(Object.values(CONDITIONS))].map((schema) => {
        const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
        return json;
      }),
    ],
  }) as unknown as z.ZodType<AudienceRule, AudienceRule>;
