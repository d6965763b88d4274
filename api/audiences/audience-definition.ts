import { checkDefinition } from '../../db/audiences/audience-refs.ts';
import type { AudienceDefinition } from '../../domain/audiences/audience-definition.ts';
import type { ApiDeps } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { jsonPointer } from '../http/validation.ts';

/** Returns the definition with all versions pinned. Throws a problem that lists missing references. */
export async function pinnedDefinition(
  deps: ApiDeps,
  args: { appId: string; definition: AudienceDefinition; self?: string },
): Promise<AudienceDefinition> {
  const checked = await checkDefinition(deps.db, { ...args, now: await deps.clock() });
  if (checked.ok) return checked.definition;
  const errors = checked.faults.map(({ path, message }) => ({ pointer: jsonPointer(path), detail: message }));
  throw new Problem('invalid_request', 'The audience is not valid', { errors });
}

/** The definition of an audience in a request, or undefined for the audience of all devices. */
export function definitionOf(
  body: Partial<Record<'rule' | 'combination', unknown>>,
): AudienceDefinition | undefined {
  const { rule, combination } = body;
  if (rule !== undefined) return { rule } as AudienceDefinition;
  return combination === undefined ? undefined : ({ combination } as AudienceDefinition);
}
