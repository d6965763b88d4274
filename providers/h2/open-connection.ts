import type { Http2Client, OpenConnection } from '../connection/h2-connection.ts';
import { openOwnConnection } from '../http2/connection.ts';
import { openNodeConnection } from '../node-http2/connection.ts';

export const OPEN_CONNECTION: Readonly<Record<Http2Client, OpenConnection>> = {
  own: openOwnConnection,
  node: openNodeConnection,
};
