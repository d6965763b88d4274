import type { Message } from '../domain/content/content.ts';

/**
 * The data for the app beside the text that is shown: `messageId`, `deepLink`, `imageUrl`, `buttons`. All
 * values are strings, buttons as JSON. APNs carries the data in the custom object `sb`, FCM in the map
 * `data`. The result is the part behind the message ID, as JSON members.
 */
export function appData({ deepLink, imageUrl, buttons }: Message): string {
  const data = {
    deepLink,
    imageUrl,
    buttons: buttons === undefined ? undefined : JSON.stringify(buttons),
  };
  const members = JSON.stringify(data).slice(1, -1);
  return members === '' ? '' : `,${members}`;
}
