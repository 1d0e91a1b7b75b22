// Tokens, as services and apps make them: by `jose`.
import {SignJWT, exportJWK, generateKeyPair} from 'jose';

export const SECRET = '0123456789abcdef0123456789abcdef';
export const bytes = (text) => new TextEncoder().encode(text);

/** A token with these claims, signed with HS256 where nothing else is said. It ends in an hour, unless the claims tell. */
export const token = (claims = {}, {key = bytes(SECRET), alg = 'HS256', ...header} = {}) => {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return new SignJWT({exp, ...claims}).setProtectedHeader({alg, typ: 'JWT', ...header}).sign(key);
};

/** A pair of keys, and the public one as a set of keys has it. */
export const keyPair = async (alg, kid) => {
  const {publicKey, privateKey} = await generateKeyPair(alg, {extractable: true});
  return {alg, kid, key: privateKey, jwk: {...(await exportJWK(publicKey)), kid, alg, use: 'sig'}};
};

/** What says that somebody may do so much in all rooms. */
export const everywhere = (access) => ({rooms: {'*': access}});
