/** A body of POST /v1/receipts and of a vendor's callback. An unknown message ID is told and does not fail. */
export const RECEIPTS_EXAMPLE = {
  receipts: [
    {
      messageId: 'the-message-id-of-the-payload',
      kind: 'open',
      eventId: 'open-1',
      at: '2026-11-22T08:00:00Z',
    },
  ],
};
