// TinyBase's own server, set up as its documentation shows, with each way it has to store a room.
import {createMergeableStore} from 'tinybase/mergeable-store';
import {createDurableObjectSqlStoragePersister} from 'tinybase/persisters/persister-durable-object-sql-storage';
import {createDurableObjectStoragePersister} from 'tinybase/persisters/persister-durable-object-storage';
import {
  WsServerDurableObject,
  getWsServerDurableObjectFetch,
} from 'tinybase/synchronizers/synchronizer-ws-server-durable-object';

const persisters = {
  none: () => undefined,
  json: ({sql}) => createDurableObjectSqlStoragePersister(createMergeableStore(), sql, {mode: 'json'}),
  fragmented: ({sql}) =>
    createDurableObjectSqlStoragePersister(createMergeableStore(), sql, {mode: 'fragmented'}),
  'key-value': (storage) => createDurableObjectStoragePersister(createMergeableStore(), storage),
};

export class Room extends WsServerDurableObject {
  createPersister() {
    return persisters[this.env.PERSISTER](this.ctx.storage);
  }

  // Its own handler leaves the close frame unanswered, and the client would wait for ever.
  webSocketClose(client, code) {
    super.webSocketClose(client, code);
    client.close();
  }
}

export default {fetch: getWsServerDurableObjectFetch('ROOMS')};
