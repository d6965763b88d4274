import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { Db } from '../core/database.ts';
import { recipientRows, sourceOf } from './recipients.ts';
import { RuleError } from './rule-context.ts';

/** Status reason of a push whose audience cannot be computed. */
export function faultOfAudience(error: RuleError): string {
  return `the audience cannot be computed: ${error.message}`;
}

/** Why a push could not compute its recipients now. Undefined when it could. */
export async function findAudienceFault(
  db: Db,
  { appId, definition, now }: { appId: string; definition: TaskDefinition; now: Date },
): Promise<string | undefined> {
  const { audience, exclusions = [], platforms } = definition;
  try {
    const from = { audience: await sourceOf(db, { appId, audience }) };
    await recipientRows(db, { appId, now, from, exclusions, platforms, devices: 'all' });
    return undefined;
  } catch (error) {
    if (error instanceof RuleError) return faultOfAudience(error);
    throw error;
  }
}
