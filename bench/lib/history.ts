import { Client, Connection } from '@temporalio/client';

/** Number of history events of the workflows, over all their runs. */
export async function historyEvents(address: string, workflowIds: readonly string[]): Promise<number[]> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    return await Promise.all(workflowIds.map((id) => eventsOf(client, id)));
  } finally {
    await connection.close();
  }
}

async function eventsOf(client: Client, workflowId: string): Promise<number> {
  const latest = await client.workflow.getHandle(workflowId).describe();
  let events = latest.historyLength;
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    if (runId === latest.runId) continue;
    events += (await client.workflow.getHandle(workflowId, runId).describe()).historyLength;
  }
  return events;
}
