import type { Message } from '../domain/content/content.ts';

/**
 * The engine's data for the app beside the text that is shown: `messageId`, `deepLink`, `imageUrl`, `buttons`.
 * All values are strings, buttons as JSON. APNs carries them in the custom object `sb`, FCM in the map `data`.
 * The result is the part behind the message ID, as JSON members.
 */
export function appData({ deepLink, imageUrl, buttons }: Message): string {
  return members({
    deepLink,
    imageUrl,
    buttons: buttons === undefined ? undefined : JSON.stringify(buttons),
  });
}

/** The members of an object as they follow others in JSON, each after a comma. */
export function members(object: object | undefined): string {
  const text = JSON.stringify(object ?? {}).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}
