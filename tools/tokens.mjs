// Tokens and the secrets that sign them, as they are made on this machine.
import {createHmac, randomBytes} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';

/** Where `wrangler dev` looks for secrets. */
export const SECRETS_FILE = '.dev.vars';

/** 256 random bits. */
export const newSecret = () => randomBytes(32).toString('base64url');

/** The first of the secrets that are set, or of those for `make dev`; *undefined* where there is none. */
export const firstSecret = () => {
  const variables = existsSync(SECRETS_FILE) ? readFileSync(SECRETS_FILE, 'utf8') : '';
  const kept = variables.match(/^TOKEN_SECRETS\s*=\s*"?([^"\n]*)/m)?.[1];
  return (process.env.TOKEN_SECRETS || kept || '').split(/\s+/).find(Boolean);
};

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JSON Web Token that ends so many seconds from now, signed with HS256. */
export const newToken = (claims, seconds, secret) => {
  const iat = Math.floor(Date.now() / 1000);
  const input = `${encoded({alg: 'HS256', typ: 'JWT'})}.${encoded({iat, exp: iat + seconds, ...claims})}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};
