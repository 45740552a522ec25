// TLS, mTLS and every SASL mechanism against a broker with ACLs on: what planAcls gives a principal lets it do its work, and no more.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePorts } from '../../../../test/servers/free-port.ts';
import { type KafkaServer, kafkaVersion, startKafka } from '../../../../test/servers/kafka.ts';
import { kafkaFiles } from '../../../../test/servers/kafka-jars.ts';
import { findTool, MissingTool, runTool } from '../../../../test/servers/tools.ts';
import { StreamError } from '../../src/errors.ts';
import { type PrincipalRole, planAcls } from '../../src/kafka/acl-plan.ts';
import { applyAcls } from '../../src/kafka/acls.ts';
import { type KafkaLog, openKafkaLog } from '../../src/kafka/log.ts';
import type { KafkaConnection } from '../../src/kafka/options.ts';
import { readTopics } from '../../src/kafka/topics.ts';
import type { Topic } from '../../src/ports.ts';
import { topics as allTopics } from '../../src/topics.ts';
import { type Authority, createAuthority } from './certificates.ts';
import { everything, makeTopics, recordOf, type TestTopics } from './support.ts';

const ssl = 'SSL';
const sasl = 'SASL_SSL';

interface Expected {
	reads: readonly Topic[];
	writes: readonly Topic[];
	groups: readonly string[];
}

/** Written down here once more: a right too many in the plan must not pass for wanted. */
const expected: Record<PrincipalRole, Expected> = {
	agent: { reads: [], writes: ['trace', 'deadletter'], groups: [] },
	correlate: {
		reads: ['trace', 'session', 'host', 'deadletter'],
		// Its ticks: that a host is silent.
		writes: ['trace', 'session', 'deadletter'],
		groups: ['correlate'],
	},
	detect: {
		reads: ['trace', 'session', 'finding', 'verdict', 'indicator', 'host', 'deadletter'],
		writes: ['finding', 'verdict', 'deadletter'],
		groups: ['detect', 'trust'],
	},
	sign: {
		reads: ['trace', 'session', 'verdict', 'attestation', 'deadletter'],
		writes: ['attestation', 'deadletter'],
		groups: ['sign'],
	},
	alert: { reads: ['finding', 'deadletter'], writes: ['deadletter'], groups: ['alert'] },
	operator: { reads: allTopics, writes: ['indicator', 'host'], groups: [] },
};
const groups = ['correlate', 'detect', 'trust', 'sign', 'alert'];
const inputs: Record<string, Topic> = {
	correlate: 'trace',
	detect: 'session',
	trust: 'deadletter',
	sign: 'verdict',
	alert: 'finding',
};

const isRefused = (error: unknown): boolean => error instanceof StreamError && error.code === 'refused';

/** As the broker's default validator takes it: no signature. */
function unsecuredToken(subject: string): string {
	const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
	const now = Math.floor(Date.now() / 1000);
	return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + 3600 })}.`;
}

describe('principals', { timeout: 300_000 }, () => {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-kafka-tls-'));
	let missing: string | null = null;
	let broker: KafkaServer | null = null;
	let topics: TestTopics | null = null;
	let authority: Authority;
	let ports: { tls: string; sasl: string };

	before(async () => {
		if (findTool('openssl') === null) {
			missing = 'openssl is not on the PATH';
			return;
		}
		try {
			authority = createAuthority(folder);
			const port = await freePorts(4);
			ports = { tls: `127.0.0.1:${port + 2}`, sasl: `127.0.0.1:${port + 3}` };
			const data = await formatWithUsers(folder);
			broker = await startKafka({ port, properties: { ...securedProperties(port, authority), 'log.dirs': data } });
			topics = await makeTopics([broker.brokers]);
			const principals = (Object.keys(expected) as PrincipalRole[]).map((role) => ({ role, name: principalOf(role) }));
			await applyAcls({ brokers: [broker.brokers] }, planAcls(principals, { topicPrefix: topics.prefix }));
		} catch (error) {
			if (!(error instanceof MissingTool)) throw error;
			missing = error.message;
		}
	});
	after(async () => {
		await topics?.dispose();
		await broker?.[Symbol.asyncDispose]();
		rmSync(folder, { recursive: true, force: true });
	});

	const connectionOf = (role: PrincipalRole): KafkaConnection => {
		const tls = { ca: authority.ca };
		const scram = { username: role, password: `secret-${role}` };
		switch (role) {
			case 'agent':
			case 'operator':
				return { brokers: [ports.tls], tls: { ...tls, ...authority.issue(role) } };
			case 'correlate':
				return { brokers: [ports.sasl], tls, sasl: { mechanism: 'scram-sha-256', ...scram } };
			case 'detect':
				return { brokers: [ports.sasl], tls, sasl: { mechanism: 'scram-sha-512', ...scram } };
			case 'sign':
				return { brokers: [ports.sasl], tls, sasl: { mechanism: 'plain', ...scram } };
			case 'alert':
				return {
					brokers: [ports.sasl],
					tls,
					sasl: { mechanism: 'oauthbearer', token: async () => unsecuredToken(role) },
				};
		}
	};

	for (const role of Object.keys(expected) as PrincipalRole[])
		it(`${role}: its work and nothing else`, async (t) => {
			if (missing !== null || topics === null) return t.skip(missing ?? 'no topics');
			const { prefix } = topics;
			const log = await openKafkaLog({ ...connectionOf(role), topicPrefix: prefix, appendTimeoutMs: 10_000 });
			t.after(() => log.close());
			await log.check();
			const admin = await topics.open();
			for (const topic of allTopics) await checkTopic(log, admin, role, topic);
			for (const group of groups) await checkGroup(log, role, group);
			const names = expected[role].reads.map((topic) => prefix + topic);
			if (role !== 'agent') assert.equal((await readTopics(connectionOf(role), names)).length, names.length);
			await assert.rejects(
				applyAcls(connectionOf(role), planAcls([{ role, name: 'User:CN=mallory' }], { topicPrefix: prefix })),
				isRefused,
			);
		});

	it('says refused for a wrong password, an unknown authority and no certificate', async (t) => {
		if (missing !== null || topics === null) return t.skip(missing ?? 'no topics');
		const { prefix } = topics;
		const tls = { ca: authority.ca };
		const wrong = { mechanism: 'scram-sha-256', username: 'correlate', password: 'wrong' } as const;
		await assert.rejects(openKafkaLog({ brokers: [ports.sasl], tls, sasl: wrong, topicPrefix: prefix }), isRefused);
		const stranger = { ...tls, ca: createAuthority(mkdtempSync(join(folder, 'other-'))).ca };
		await assert.rejects(openKafkaLog({ brokers: [ports.tls], tls: stranger, topicPrefix: prefix }), isRefused);
		await assert.rejects(openKafkaLog({ brokers: [ports.tls], tls, topicPrefix: prefix }), StreamError);
	});
});

const principalOf = (role: PrincipalRole): string =>
	role === 'agent' || role === 'operator' ? `User:CN=${role}` : `User:${role}`;

async function checkTopic(log: KafkaLog, admin: KafkaLog, role: PrincipalRole, topic: Topic): Promise<void> {
	const { reads, writes } = expected[role];
	const { end } = await admin.bounds(topic, 0);
	const append = (): Promise<void> => log.append([recordOf(topic, 'k', `${role} writes ${topic}`)]);
	if (writes.includes(topic)) {
		await append();
		assert.equal((await admin.bounds(topic, 0)).end, end + 1, `${role} writes ${topic}`);
	} else {
		await assert.rejects(append, isRefused, `${role} must not write ${topic}`);
		assert.equal((await admin.bounds(topic, 0)).end, end);
	}
	const read = () => log.read(topic, 0, 0, everything);
	if (reads.includes(topic)) assert.equal((await read()).length, (await admin.bounds(topic, 0)).end);
	else await assert.rejects(read, isRefused, `${role} must not read ${topic}`);
}

async function checkGroup(log: KafkaLog, role: PrincipalRole, group: string): Promise<void> {
	const input = inputs[group] as Topic;
	const may = expected[role].groups.includes(group);
	const join = async (): Promise<void> => {
		const { promise, resolve } = Promise.withResolvers<readonly number[]>();
		const member = await log.join(group, input, resolve);
		assert.deepEqual(await promise, [0]);
		await log.saveLowWater(group, input, 0, 1);
		await member.leave();
		assert.equal(await log.lowWater(group, input, 0), 1);
	};
	if (may) await join();
	else await assert.rejects(join, isRefused, `${role} must not join ${group}`);
}

function securedProperties(port: number, authority: Authority): Record<string, string | number> {
	const { storeFile } = authority.issue('broker');
	const jaas = (module: string, options = ''): string =>
		`org.apache.kafka.common.security.${module} required ${options};`;
	const prefix = `listener.name.${sasl.toLowerCase()}`;
	return {
		listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1},${ssl}://127.0.0.1:${port + 2},${sasl}://127.0.0.1:${port + 3}`,
		'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},${ssl}://127.0.0.1:${port + 2},${sasl}://127.0.0.1:${port + 3}`,
		'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,${ssl}:SSL,${sasl}:SASL_SSL`,
		'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
		'super.users': 'User:ANONYMOUS',
		'ssl.keystore.type': 'PEM',
		'ssl.keystore.location': storeFile,
		'ssl.truststore.type': 'PEM',
		'ssl.truststore.location': authority.caFile,
		[`listener.name.${ssl.toLowerCase()}.ssl.client.auth`]: 'required',
		'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
		[`${prefix}.plain.sasl.jaas.config`]: jaas('plain.PlainLoginModule', 'user_sign="secret-sign"'),
		[`${prefix}.scram-sha-256.sasl.jaas.config`]: jaas('scram.ScramLoginModule'),
		[`${prefix}.scram-sha-512.sasl.jaas.config`]: jaas('scram.ScramLoginModule'),
		[`${prefix}.oauthbearer.sasl.jaas.config`]: jaas(
			'oauthbearer.OAuthBearerLoginModule',
			'unsecuredLoginStringClaim_sub="broker"',
		),
	};
}

/** A data folder that knows the SCRAM users: kafkajs cannot make them. */
async function formatWithUsers(folder: string): Promise<string> {
	const { java, jars } = await kafkaFiles(kafkaVersion);
	const data = join(folder, 'data');
	const properties = join(folder, 'format.properties');
	writeFileSync(
		properties,
		[
			'process.roles=broker,controller',
			'node.id=1',
			'controller.quorum.voters=1@127.0.0.1:1',
			'listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1',
			'controller.listener.names=CONTROLLER',
			`log.dirs=${data}`,
		].join('\n'),
	);
	const users = [
		'SCRAM-SHA-256=[name=correlate,password=secret-correlate]',
		'SCRAM-SHA-512=[name=detect,password=secret-detect]',
	].flatMap((user) => ['--add-scram', user]);
	const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*'), 'kafka.tools.StorageTool'];
	await runTool(java, [...tool, 'format', '-t', 'YWZmaWRhdml0LXRlc3Rz', '-c', properties, ...users], 120_000);
	return data;
}
