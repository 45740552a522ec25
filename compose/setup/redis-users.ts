// `affidavit topics plan --acls --json` on stdin to Redis' ACL file: FOLDER/users.acl, with passwords as the digests of FOLDER/digests.
// Everybody else, the user `default` included, is off.
import { chownSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Plan {
	acls: { redis: { name: string; rules: string[] }[] };
}

const folder = process.argv[2];
if (folder === undefined) throw new Error('expected the folder of the digests');

function userLine(name: string, rules: readonly string[]): string {
	const digest = readFileSync(join(folder as string, 'digests', name), 'utf8').trim();
	if (!/^[0-9a-f]{64}$/.test(digest)) throw new Error(`digests/${name}: expected a sha256 in hex`);
	return `user ${name} on #${digest} ${rules.join(' ')}\n`;
}

const plan: Plan = JSON.parse(readFileSync(0, 'utf8'));
const users = plan.acls.redis.map(({ name, rules }) => userLine(name, rules));
// For people only: whoever may read a session's keys may not read this password.
const administrator = userLine('admin', ['~*', '&*', '+@all']);
const file = join(folder, 'users.acl');
writeFileSync(`${file}.new`, `user default off\n${administrator}${users.join('')}`, { mode: 0o600 });
// The server's own user reads it.
const { uid, gid } = statSync(folder);
chownSync(`${file}.new`, uid, gid);
renameSync(`${file}.new`, file);
