import { readContactRules, replaceContactRules } from '../../db/contact-rules.ts';
import { ContactRules } from '../../domain/cap.ts';
import { recordAuditEntry } from '../audit-actions.ts';
import { appIdOf, personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { PERSON } from '../openapi.ts';
import { problemResponses } from '../problem.ts';

/** The app's frequency caps, its vendors' day limits and its quiet hours. */
export async function contactRuleRoutes(app: App, deps: ApiDeps): Promise<void> {
  app.get(
    '/v1/app/contact-rules',
    {
      onRequest: app.guard.may('app.read'),
      schema: {
        ...PERSON,
        operationId: 'getContactRules',
        response: { 200: ContactRules, ...problemResponses() },
      },
    },
    async (request) => await readContactRules(deps.db, appIdOf(request)),
  );

  app.put(
    '/v1/app/contact-rules',
    {
      onRequest: app.guard.may('app.change'),
      schema: {
        ...PERSON,
        operationId: 'putContactRules',
        description: 'They hold for every push that is prepared from now on.',
        body: ContactRules,
        response: { 200: ContactRules, ...problemResponses() },
      },
    },
    async (request) => {
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
  );
}
