/** The server that the command speaks to, as the API knows it. */
export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
}

/**
 * The line that sends a signal by Temporal's own CLI. The payload is in base64, which has no character that sh,
 * PowerShell or cmd would change: one line works in all of them. The CLI takes base64 of plain bytes only.
 */
export function signalCommand(
  { address, namespace }: TemporalPlace,
  signal: { readonly workflowId: string; readonly name: string; readonly payload: object },
): string {
  const input = Buffer.from(JSON.stringify(signal.payload)).toString('base64');
  return [
    'temporal workflow signal',
    `--address ${address} --namespace ${namespace}`,
    `--workflow-id ${signal.workflowId} --name ${signal.name}`,
    `--input-meta encoding=binary/plain --input-base64 --input ${input}`,
  ].join(' ');
}
