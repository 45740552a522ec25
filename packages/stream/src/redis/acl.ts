// The rights that a stage's Redis user needs, and no more (design 4.4).

import { encodeStage } from './keys.ts';
import { checkPrefix, defaultKeyPrefix } from './options.ts';

/** Commands of the scripts and the reads; `eval` loads a script, `evalsha` runs it. */
const writes = [
	'evalsha',
	'eval',
	'get',
	'set',
	'hlen',
	'hset',
	'hdel',
	'hscan',
	'llen',
	'lindex',
	'lrange',
	'lset',
	'rpush',
	'ltrim',
	'unlink',
	'pexpire',
];
const reads = ['lindex', 'lrange', 'llen'];
/** `select` for a database other than 0, `cluster` for a Cluster; `auth` and `hello` need no right. */
const connections = ['info', 'dbsize', 'select', 'cluster|slots', 'cluster|info'];

/**
 * Rules for `ACL SETUSER NAME on >PASSWORD ...`, without name and password. `readsListsOf`: the stages whose lists this one reads
 * (the signer reads the correlator's facts). Needs Redis 7.
 */
export function redisAclRules(
	stage: string,
	keyPrefix: string = defaultKeyPrefix,
	readsListsOf: readonly string[] = [],
): string[] {
	const prefix = patternOf(checkPrefix(keyPrefix));
	const commands = [...new Set([...writes, ...reads, ...connections])];
	return [
		'resetkeys',
		'resetchannels',
		'-@all',
		`~${prefix}{${encodeStage(stage)}:*`,
		...readsListsOf.map((read) => `%R~${prefix}{${encodeStage(read)}:*}:list:*`),
		...commands.map((command) => `+${command}`),
	];
}

/** The same for the Sentinels' own users: who is master, who else watches it, and word of a failover. */
export const sentinelAclRules: readonly string[] = [
	'resetkeys',
	'resetchannels',
	'-@all',
	'&+switch-master',
	'+sentinel|get-master-addr-by-name',
	'+sentinel|sentinels',
	'+subscribe',
	'+info',
];

/** The text itself as a glob pattern. */
const patternOf = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&');
