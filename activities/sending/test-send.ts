import { Context } from '@temporalio/activity';
import { platformOf } from '../../db/core/platform-code.ts';
import { findDefinition } from '../../db/tasks/task-state.ts';
import { findTestSend, finishTestSend, recordTestResult } from '../../db/tasks/test-sends.ts';
import type { Content } from '../../domain/content/content.ts';
import { givenOf } from '../../domain/content/content-fill.ts';
import { messageFor } from '../../domain/content/content-messages.ts';
import { CHANNELS } from '../../domain/platform.ts';
import { ALWAYS_OPEN } from '../../providers/push-service.ts';
import type { SenderDeps } from '../deps.ts';

export interface TestSendActivities {
  /**
   * Sends a task's content to devices of the app's whitelist. The next attempt skips devices that have a
   * result.
   */
  sendTest(testSendId: string): Promise<void>;
}

/** The message ID of tests. No delivery has this ID, so its receipts are not counted. */
const TEST_MESSAGE_ID = 'test';
const MARK = '[Test] ';

type TestDevice = Awaited<ReturnType<typeof findTestSend>>['devices'][number];

export function createTestSendActivities({ db, clock, services }: SenderDeps): TestSendActivities {
  async function sendTo(appId: string, collapseId: string, content: Content, device: TestDevice) {
    const platform = platformOf(device.platform);
    const channel = CHANNELS.find((one) => one === device.channel);
    if (platform === null || device.token_state !== 'active' || device.token === null) {
      return { outcome: 'not_sent', reason: 'no_token' };
    }
    const service = channel === undefined ? undefined : await services.open(appId, channel);
    if (service === undefined) return { outcome: 'not_sent', reason: 'no_sender' };
    const given = givenOf(content, device.attributes);
    const { filled } = messageFor(content, { platform, locale: device.locale, given });
    if (!filled.ok) return { outcome: 'not_sent', reason: filled.reason };
    const message = { ...filled.message, title: MARK + filled.message.title };
    const to = { token: device.token, messageId: TEST_MESSAGE_ID, collapseId };
    const { kind: outcome, ...more } = await service.send(message, to, ALWAYS_OPEN);
    return { outcome, reason: 'reason' in more ? more.reason : null };
  }

  return {
    async sendTest(testSendId) {
      const send = await findTestSend(db, testSendId);
      if (send.done_at !== null) return;
      const { content } = await findDefinition(db, send);
      for (const device of send.stopped_at === null ? send.devices : []) {
        Context.current().heartbeat();
        const result = await sendTo(send.app_id, testSendId, content, device);
        await recordTestResult(db, testSendId, { deviceId: device.device_id, ...result });
      }
      await finishTestSend(db, testSendId, await clock());
    },
  };
}
