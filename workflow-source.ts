import { fileURLToPath } from 'node:url';

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** The sources of a bundle. A worker that is given a bundle still needs the converter for its activities. */
export const WORKFLOW_SOURCE = {
  workflowsPath: pathOf('./workflows/index.ts'),
  payloadConverterPath: pathOf('./workflows/payload-converter.ts'),
};
