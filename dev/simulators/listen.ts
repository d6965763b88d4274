import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

/**
 * Listens on the loopback address; 0 chooses a free port. Returns a function that closes server and
 * connections.
 */
export async function listen(server: Server, port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // A killed or frozen peer never closes its end, and some connections have not become sessions.
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}
