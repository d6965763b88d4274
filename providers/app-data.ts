import type { Message } from '../domain/content/content.ts';

/**
 * What travels for the app beside what is shown: `messageId`, `deepLink`, `imageUrl`, `buttons`. All are strings,
 * buttons as JSON. APNs carries them in the custom object `sb`, FCM in the map `data`.
 * This is the part behind the message ID, as JSON members.
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
