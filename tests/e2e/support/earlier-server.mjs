// A server of before: a Durable Object whose store TinyBase's own persisters keep. It is bundled and runs in workerd.
import {DurableObject} from 'cloudflare:workers';
import * as stores67 from 'tinybase-6.7/mergeable-store';
import * as sql67 from 'tinybase-6.7/persisters/persister-durable-object-sql-storage';
import * as keys67 from 'tinybase-6.7/persisters/persister-durable-object-storage';
import * as stores85 from 'tinybase-8.5/mergeable-store';
import * as sql85 from 'tinybase-8.5/persisters/persister-durable-object-sql-storage';
import * as keys85 from 'tinybase-8.5/persisters/persister-durable-object-storage';
import * as stores100 from 'tinybase/mergeable-store';
import * as sql100 from 'tinybase/persisters/persister-durable-object-sql-storage';
import * as keys100 from 'tinybase/persisters/persister-durable-object-storage';
import {asText} from './content.mjs';
import {edits} from './earlier-content.mjs';

const packages = {
  6.7: {...stores67, ...sql67, ...keys67},
  8.5: {...stores85, ...sql85, ...keys85},
  '10.0': {...stores100, ...sql100, ...keys100},
};

const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

export class Room extends DurableObject {
  /** Fills a store by one edit after another, and keeps it in that layout. Answers what was kept. */
  async write({version, layout, prefix, config, nothing}) {
    const {sql} = this.ctx.storage;
    const {createMergeableStore, ...persisters} = packages[version];
    const store = createMergeableStore('an earlier server');
    const errors = [];
    const onError = (error) => errors.push(String(error));
    const persister = {
      keys: () => persisters.createDurableObjectStoragePersister(store, this.ctx.storage, prefix, onError),
      sql: () => persisters.createDurableObjectSqlStoragePersister(store, sql, config, undefined, onError),
    }[layout]?.();
    await persister?.startAutoSave();
    for (const edit of nothing ? [] : edits(version)) {
      store.transaction(() => edit(store));
      await persister?.schedule(async () => {});
    }
    await persister?.stopAutoSave();
    const content = store.getMergeableContent();
    if (layout === 'one value') await this.ctx.storage.put('store', content);
    if (layout === 'one text') await this.ctx.storage.put('store', asText(content));
    return {errors, content: asText(content)};
  }

  /** Everything in the storage but what Tinyroom keeps. */
  async dump() {
    const {sql} = this.ctx.storage;
    const rows = this.tables().map(({name}) => sql.exec(`SELECT rowid, * FROM ${quoted(name)}`).toArray());
    return asText([[...(await this.ctx.storage.list())], this.tables(), rows]);
  }

  /** Drops all that. */
  async forget() {
    await Promise.all([...(await this.ctx.storage.list()).keys()].map((key) => this.ctx.storage.delete(key)));
    for (const {name} of this.tables()) this.ctx.storage.sql.exec(`DROP TABLE ${quoted(name)}`);
    return null;
  }

  tables() {
    const tables = this.ctx.storage.sql.exec(`SELECT name, sql FROM sqlite_master WHERE type = 'table'`).toArray();
    return tables.filter(({name}) => !/^(tinyroom|_cf)_/i.test(name));
  }

  /** Runs statements, and sets and deletes keys. */
  async alter({statements = [], put = {}, drop = []}) {
    for (const statement of statements) this.ctx.storage.sql.exec(statement);
    await this.ctx.storage.put(put);
    await this.ctx.storage.delete(drop);
    return null;
  }
}

export default {
  async fetch(request, env) {
    const {room, method, argument} = await request.json();
    const stub = env.ROOMS.get(env.ROOMS.idFromName(room));
    return Response.json({result: await stub[method](argument)});
  },
};
