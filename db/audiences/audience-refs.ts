import {
  type AudienceDefinition,
  pinRefs,
  refsOf,
  ruleOf,
} from '../../domain/audiences/audience-definition.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { findAudienceVersion } from '../apps/readiness.ts';
import type { Db } from '../core/database.ts';
import { findSource } from './audience-source.ts';
import { recipientRows } from './recipients.ts';
import { RuleError } from './rule-context.ts';

export interface DefinitionFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export type CheckedDefinition =
  | { readonly ok: true; readonly definition: AudienceDefinition }
  | { readonly ok: false; readonly faults: readonly DefinitionFault[] };

/** Pins each reference to a version, and compiles the rule to find faults that only the database knows. */
export async function checkDefinition(
  db: Db,
  args: { appId: string; definition: AudienceDefinition; self?: string; now: Date },
): Promise<CheckedDefinition> {
  const { appId, definition, self, now } = args;
  const faults: DefinitionFault[] = [];
  const newest = new Map<string, number>();
  for (const { path, ref } of refsOf(definition)) {
    const version = await findAudienceVersion(db, { appId, audienceId: ref.id, version: ref.version });
    if (version === undefined) {
      const what = ref.version === undefined ? 'audience' : 'version of an audience';
      faults.push({ path: [...path, 'id'], message: `there is no such ${what}` });
    } else {
      if (ref.version === undefined) newest.set(ref.id, version);
      if (self !== undefined && (await reaches(db, appId, { id: ref.id, version }, self))) {
        faults.push({ path: [...path, 'id'], message: 'the audience would contain itself' });
      }
    }
  }
  const pinned = pinRefs(definition, newest);
  if (faults.length > 0) return { ok: false, faults };
  try {
    const planning = { appId, now, platforms: PLATFORMS, exclusions: [], devices: 'all' } as const;
    await recipientRows(db, { ...planning, from: { rule: ruleOf(pinned) } });
    return { ok: true, definition: pinned };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    const path = 'rule' in definition ? ['rule'] : ['combination'];
    return { ok: false, faults: [{ path, message: error.message }] };
  }
}

/** Whether an audience is the other one or contains it at any depth, in whatever version of the other. */
async function reaches(
  db: Db,
  appId: string,
  from: { readonly id: string; readonly version: number },
  to: string,
): Promise<boolean> {
  const seen = new Set<string>();
  const ahead = [from];
  for (let one = ahead.pop(); one !== undefined; one = ahead.pop()) {
    if (one.id === to) return true;
    const key = `${one.id} ${one.version}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const source = await findSource(db, { appId, audienceId: one.id, version: one.version });
    if (source?.definition === undefined) continue;
    for (const { ref } of refsOf(source.definition)) {
      if (ref.version !== undefined) ahead.push({ id: ref.id, version: ref.version });
    }
  }
  return false;
}
