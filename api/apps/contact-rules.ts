import { readContactRules, replaceContactRules } from '../../db/caps/contact-rules.ts';
import { ContactRules } from '../../domain/caps/cap.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { appIdOf, personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';

/** The app's frequency caps, its vendors' day limits and its quiet hours. */
export async function contactRuleRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'GET',
    path: '/v1/app/contact-rules',
    access: 'app.read',
    schema: {
      operationId: 'getContactRules',
      summary: 'Get the caps and quiet hours of the app',
      tags: ['contact rules'],
      response: { 200: ContactRules },
    },
    handler: async (request) => await readContactRules(deps.db, appIdOf(request)),
  });

  route(app, {
    method: 'PUT',
    path: '/v1/app/contact-rules',
    access: 'app.change',
    audit: AUDIT_ACTIONS.putContactRules,
    isBodyNeeded: true,
    schema: {
      operationId: 'putContactRules',
      summary: 'Set the caps and quiet hours of the app',
      example: {
        caps: [{ max: 2, window: { kind: 'day' } }],
        quietHours: { from: '22:00', to: '08:00' },
      },
      tags: ['contact rules'],
      description: 'Replaces the contact rules for every push that is prepared from now on.',
      body: ContactRules,
      response: { 200: ContactRules },
    },
    handler: async (request) => {
      const { appId, personId } = personOf(request);
      const rules = request.body;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        await replaceContactRules(trx, { appId, rules, personId, now });
        const quiet =
          rules.quietHours === null
            ? 'no quiet hours'
            : `quiet from ${rules.quietHours.from} to ${rules.quietHours.to} (${rules.quietHours.action})`;
        const detail = `${rules.caps.length} caps, ${quiet}`;
        await recordAuditEntry(trx, request, { detail, now });
      });
      return rules;
    },
  });
}
