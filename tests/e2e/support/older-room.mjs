// Runs in workerd, around the built Worker: a room of the version before, to which nothing can be said but by requests.
import {Room as BuiltRoom} from './index.js';

export {default} from './index.js';

export class Room {
  constructor(ctx, env) {
    this.room = new BuiltRoom(ctx, env);
    this.env = env;
  }

  fetch(request) {
    // It takes everybody for one who may write.
    if (request.headers.get('upgrade') !== 'websocket') return new Response('{"data":"an older room"}');
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.send('an older room');
    return new Response(null, {status: 101, webSocket: client});
  }
}
