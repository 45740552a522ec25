import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { givenServers } from '../../../test/servers/given.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { Config } from '../../src/config/schema.ts';
import { aclText } from '../../src/topics/acl-text.ts';
import { fleetAcls, principalOption, principalsOf } from '../../src/topics/principals.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';
import { writeConfig } from '../service/processes.ts';

test('apply makes what plan says, again does nothing, and other partitions are refused', async (t) => {
	const servers = givenServers(t);
	if (!servers) return;
	const folder = temporaryFolder(t);
	const configFile = writeConfig(folder, servers);
	const topics = (config: string, ...args: string[]) => runCli(['topics', ...args, '--config', config]);
	const planned = await topics(configFile, 'plan', '--json');
	assert.equal(planned.code, 0, planned.stderr);
	const plan = JSON.parse(planned.stdout);
	assert.equal(plan.create.length, 8);
	assert.deepEqual(plan.refuse, []);
	assert.equal(plan.create[0].name, `${servers.prefix}trace`);
	assert.equal(plan.create[0].partitions, 2);
	assert.equal(plan.create[0].config['message.timestamp.type'], 'LogAppendTime');
	const applied = await topics(configFile, 'apply', '--json');
	assert.equal(JSON.parse(applied.stdout).applied, true, applied.stderr);
	const again = await topics(configFile, 'apply');
	assert.equal(again.code, 0);
	assert.match(again.stdout, /^nothing to do/);

	const kafka = {
		brokers: servers.brokers.split(','),
		topicPrefix: servers.prefix,
		replicationFactor: 1,
		minInsyncReplicas: 1,
	};
	const longer = writeConfig(join(temporaryFolder(t)), servers, {
		kafka: { ...kafka, partitions: 2, traceRetentionMs: 864_000_000 },
	});
	assert.match((await topics(longer, 'plan')).stdout, /^alter {3}\S+trace: retention\.ms 604800000 → 864000000\n$/);
	assert.equal((await topics(longer, 'apply')).code, 0);
	assert.match((await topics(longer, 'plan')).stdout, /^nothing to do/);

	const more = writeConfig(temporaryFolder(t), servers, { kafka: { ...kafka, partitions: 3 } });
	const refused = await topics(more, 'apply');
	assert.equal(refused.code, 1);
	assert.match(refused.stdout, /refused \S+trace: partitions is 2, expected 3: keys would change place/);
	assert.match(refused.stderr, /nothing was changed/);
});

test('a broker that is away is said in one line', async (t) => {
	const configFile = writeConfig(temporaryFolder(t), { brokers: '127.0.0.1:1', redisUrl: 'redis://h', prefix: 'x.' });
	const run = await runCli(['topics', 'plan', '--config', configFile]);
	assert.equal(run.code, 2);
	assert.match(run.stderr, /^affidavit: .*\(unavailable\)$/m);
});

function config(): Config {
	const result = resolveConfig({ flags: [], env: {}, file: null, cwd: '/', defaultDataDir: '/data' });
	assert.equal(result.kind, 'ok');
	return (result as Extract<typeof result, { kind: 'ok' }>).config;
}

test('principals: one of each role by default; those named replace their role', () => {
	assert.deepEqual(
		principalsOf([]).map(({ name }) => name),
		['User:agent', 'User:correlate', 'User:detect', 'User:sign', 'User:alert', 'User:operator'],
	);
	const agents = ['agent=User:CN=build-7,O=x', 'agent=User:b'].map(principalOption);
	const named = principalsOf(agents).filter(({ role }) => role === 'agent');
	assert.deepEqual(
		named.map(({ name }) => name),
		['User:CN=build-7,O=x', 'User:b'],
	);
	for (const text of ['', 'agent', 'root=User:x', 'agent=x', 'agent=User:', 'agent=User:a\nb', '__proto__=User:x'])
		assert.throws(() => principalOption(text), InvalidArgumentError, text);
});

test('ACLs come as commands that a shell can run; a service at Redis has the keys of its stages only', () => {
	const acls = fleetAcls(principalsOf([principalOption("agent=User:O'Hara build")]), config());
	const detect = acls.redis.find(({ name }) => name === 'detect');
	const keys = detect?.rules.filter((rule) => rule.includes('~'));
	assert.deepEqual(keys, ['~affidavit:{detect:*', '%R~affidavit:{correlate:*}:list:*', '~affidavit:{trust:*']);
	assert.equal(detect?.rules.filter((rule) => rule === 'resetkeys').length, 1);
	const text = aclText(acls);
	assert.match(
		text,
		/--allow-principal 'User:O'\\''Hara build' --allow-host '\*' --operation Write --topic affidavit\.trace/,
	);
	assert.match(text, /redis-cli ACL SETUSER alert on '>PASSWORD' resetkeys/);
	const agent = acls.kafka.filter(({ principal }) => principal === "User:O'Hara build");
	assert.deepEqual(
		agent.map(({ name, operation }) => `${operation} ${name}`),
		['Write affidavit.trace', 'Write affidavit.deadletter'],
	);
});
