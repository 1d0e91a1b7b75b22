// The physical limit: a Durable Object that knows nothing of TinyBase and hands each frame to the other sockets.
// With COMMIT it stores the frame in one row of SQL before.
import {DurableObject} from 'cloudflare:workers';

export class Room extends DurableObject {
  constructor(context, env) {
    super(context, env);
    this.commits = env.COMMIT;
    if (this.commits) {
      context.storage.sql.exec('CREATE TABLE IF NOT EXISTS frames (id INTEGER PRIMARY KEY, frame TEXT)');
    }
  }

  fetch() {
    const {0: client, 1: server} = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, {status: 101, webSocket: client});
  }

  webSocketMessage(from, frame) {
    if (this.commits) {
      this.ctx.storage.sql.exec('INSERT OR REPLACE INTO frames (id, frame) VALUES (1, ?)', frame);
    }
    for (const socket of this.ctx.getWebSockets()) {
      if (socket !== from) socket.send(frame);
    }
  }

  webSocketClose(socket) {
    socket.close();
  }
}

export default {
  fetch: (request, env) => env.ROOMS.getByName(new URL(request.url).pathname.slice(1)).fetch(request),
};
