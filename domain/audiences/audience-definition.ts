import { z } from 'zod';
import { AudienceRef, type AudienceRule } from './audience-rule.ts';
import { AudienceRuleSchema } from './audience-rule-check.ts';

/** The devices that are in any of these audiences, in all of them, or in the first and none of the rest. */
export const Combination = z
  .strictObject({
    op: z.enum(['union', 'intersection', 'difference']),
    of: z.array(AudienceRef).min(2).max(20),
  })
  .meta({ id: 'Combination' });
export type Combination = z.infer<typeof Combination>;

/** The rule of an audience that has no list of members. */
export const RuleDefinition = z.strictObject({ rule: AudienceRuleSchema });
export const CombinationDefinition = z.strictObject({ combination: Combination });
export type AudienceDefinition = { readonly rule: AudienceRule } | { readonly combination: Combination };

export const AUDIENCE_KINDS = ['upload', 'all', 'result', 'rule', 'combination'] as const;
export type AudienceKind = (typeof AUDIENCE_KINDS)[number];

/** A combination is a rule about other audiences. */
export function ruleOf(definition: AudienceDefinition): AudienceRule {
  if ('rule' in definition) return definition.rule;
  const { op, of } = definition.combination;
  const [first, ...rest] = of.map((ref): AudienceRule => ({ field: 'audience', op: 'in', ...ref }));
  if (first === undefined) throw new Error('a combination must name at least one audience');
  if (op === 'union') return { any: [first, ...rest] };
  if (op === 'intersection') return { all: [first, ...rest] };
  return { all: [first, { not: { any: rest } }] };
}

export interface PlacedRef {
  readonly path: readonly PropertyKey[];
  readonly ref: AudienceRef;
}

/** The audiences that a definition names, each with its path. */
export function refsOf(definition: AudienceDefinition): PlacedRef[] {
  if ('combination' in definition) {
    return definition.combination.of.map((ref, index) => ({ path: ['combination', 'of', index], ref }));
  }
  return refsIn(definition.rule, ['rule']);
}

function refsIn(rule: AudienceRule, path: readonly PropertyKey[]): PlacedRef[] {
  if ('all' in rule) return rule.all.flatMap((one, index) => refsIn(one, [...path, 'all', index]));
  if ('any' in rule) return rule.any.flatMap((one, index) => refsIn(one, [...path, 'any', index]));
  if ('not' in rule) return refsIn(rule.not, [...path, 'not']);
  if (rule.field !== 'audience') return [];
  const { id, version } = rule;
  return [{ path, ref: version === undefined ? { id } : { id, version } }];
}

/** The definition with `versions` filled in for the audiences that it names without a version. */
export function pinRefs(
  definition: AudienceDefinition,
  versions: ReadonlyMap<string, number>,
): AudienceDefinition {
  const pin = ({ id, version }: AudienceRef) => {
    const pinned = version ?? versions.get(id);
    return pinned === undefined ? { id } : { id, version: pinned };
  };
  if ('rule' in definition) return { rule: pinRule(definition.rule, pin) };
  const { op, of } = definition.combination;
  return { combination: { op, of: of.map(pin) } };
}

function pinRule(rule: AudienceRule, pin: (ref: AudienceRef) => AudienceRef): AudienceRule {
  if ('all' in rule) return { all: rule.all.map((one) => pinRule(one, pin)) };
  if ('any' in rule) return { any: rule.any.map((one) => pinRule(one, pin)) };
  if ('not' in rule) return { not: pinRule(rule.not, pin) };
  return rule.field === 'audience' ? { ...rule, ...pin(rule) } : rule;
}
