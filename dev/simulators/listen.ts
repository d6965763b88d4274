import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/**
 * Listens on the loopback address, or on all addresses for a host with another name; 0 chooses a free port.
 * Returns a function that closes server and connections.
 */
export async function listen(server: Server, port: number, host = LOOPBACK): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, host === LOOPBACK ? LOOPBACK : '0.0.0.0');
  await once(server, 'listening');
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // A killed or frozen peer never closes its end, and some connections have not become sessions.
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}
