// compose.yaml without containers: its servers, jobs and services in its order on loopback. A recorded build comes out signed, every
// process is ready, and no principal can do more than its own.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { StreamError } from '../../packages/stream/src/errors.ts';
import { openKafkaLog } from '../../packages/stream/src/kafka/log.ts';
import type { Topic } from '../../packages/stream/src/ports.ts';
import { fixtures } from '../e2e/affidavit.ts';
import { guardedFolder, removeFolder } from '../servers/guard.ts';
import { findTool, MissingTool } from '../servers/tools.ts';
import { readCompose, startOrder } from './compose-file.ts';
import { type Machine, openMachine, type Started } from './machine.ts';

const stream = '01b-go-clean-warm';
const waitMsMax = 240_000;
const workers = ['correlate', 'detect', 'sign', 'alert'];
const ended = ['--json', '--ops-port', '0'];

describe('compose.yaml by hand', { timeout: 600_000 }, () => {
	const folder = guardedFolder('by-hand');
	let missing: string | null = null;
	let machine: Machine;
	const running: Started[] = [];

	before(async () => {
		if (findTool('openssl') === null) {
			missing = 'openssl is not on the PATH';
			return;
		}
		try {
			machine = await openMachine(folder, { BUILD_HOST: hostOf(stream) });
		} catch (error) {
			if (!(error instanceof MissingTool)) throw error;
			missing = error.message;
		}
	});
	after(async () => {
		await machine?.close();
		removeFolder(folder);
	});

	it('signs a recorded build, and everybody is ready', async (t) => {
		if (missing !== null) return t.skip(missing);
		const { services } = readCompose();
		putExport(machine.path('agent', '/var/log/tetragon'));
		for (const name of startOrder(services)) {
			const service = services[name];
			if (name === 'kafka' || name === 'redis') await machine.server(name);
			else if (['secrets', 'principals', 'enroll'].includes(name)) await machine.job(name);
			else if (workers.includes(name) || name === 'agent')
				for (let replica = 1; replica <= (service?.deploy?.replicas ?? 1); replica++)
					running.push(machine.start(name, replica, ended));
		}
		assert.deepEqual(
			running.map(({ name }) => name),
			['correlate-1', 'correlate-2', 'detect-1', 'detect-2', 'sign-1', 'sign-2', 'alert-1', 'agent-1'],
		);
		for (const one of running) await until(`${one.name} is ready`, () => isReady(one));
		const attestations = machine.path('sign', '/var/lib/affidavit-attestations');
		const isSigned = () => filesBelow(attestations).filter((file) => file.endsWith('.json')).length >= 4;
		await until('a session is signed', isSigned);
		const { code, output } = await machine.run('operator', ['hosts', 'list', '--json']);
		assert.equal(code, 0, output);
		assert.equal(JSON.parse(output).host, hostOf(stream));
		// What runs at every start changes nothing the second time.
		for (const name of ['secrets', 'principals', 'enroll']) await machine.job(name);
	});

	it('lets nobody do more at Kafka than the rights say', async (t) => {
		if (missing !== null) return t.skip(missing);
		for (const [name, topic] of [
			['agent', 'verdict'],
			['correlate', 'verdict'],
			['detect', 'attestation'],
			['sign', 'session'],
			['operator', 'trace'],
		] as [string, Topic][])
			await assert.rejects(append(machine, name, topic), isRefused, `${name} must not write ${topic}`);
		for (const name of ['correlate', 'operator']) {
			const { code, output } = await machine.run(name, ['topics', 'apply', '--acls']);
			assert.notEqual(code, 0, `${name} must not add rights: ${output}`);
		}
	});

	it('lets nobody do more at Redis than the rights say', async (t) => {
		if (missing !== null) return t.skip(missing);
		const password = (name: string): string =>
			readFileSync(machine.path(name, '/run/affidavit/redis-password'), 'utf8').trim();
		const ask = (commands: string[]) => redisAnswers(machine, commands);
		assert.match((await ask(['PING']))[0] ?? '', /^-NOAUTH/);
		const [entered, own, foreign, flush, config] = await ask([
			`AUTH detect ${password('detect')}`,
			'GET affidavit:{detect:0}:meta',
			'GET affidavit:{correlate:0}:meta',
			'FLUSHALL',
			'CONFIG GET maxmemory',
		]);
		assert.equal(entered, '+OK');
		assert.match(own ?? '', /^\$/);
		for (const answer of [foreign, flush, config]) assert.match(answer ?? '', /^-NOPERM/);
		assert.match((await ask([`AUTH detect ${password('correlate')}`]))[0] ?? '', /^-WRONGPASS/);
	});

	it('stops when it is told', async (t) => {
		if (missing !== null) return t.skip(missing);
		for (const { child } of running) child.kill('SIGTERM');
		for (const { name, exited, errors } of running) assert.equal(await exited, 0, `${name}: ${errors()}`);
	});

	async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
		const endMs = performance.now() + waitMsMax;
		while (!(await holds())) {
			const said = running.map(({ name, errors }) => `${name}: ${errors().slice(-1500)}`).join('\n');
			for (const { name, child } of running)
				assert.equal(child.exitCode, null, `${name} ended while waiting: ${what}\n${said}`);
			if (performance.now() > endMs) assert.fail(`${what}: not within ${waitMsMax} ms\n${said}`);
			await sleep(200);
		}
	}
});

async function isReady({ news }: Started): Promise<boolean> {
	const url = news.find(({ event }) => event === 'listening')?.url;
	if (url === undefined) return false;
	const answer = await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/readyz`);
	return answer.status === 200 && ((await answer.json()) as { ready: boolean }).ready;
}

const isRefused = (error: unknown): boolean => error instanceof StreamError && error.code === 'refused';

/** The node name in the stream's events. */
function hostOf(name: string): string {
	const text = gunzipSync(readFileSync(join(fixtures, name, 'events.jsonl.gz'))).toString();
	return JSON.parse(text.slice(0, text.indexOf('\n'))).node_name;
}

function putExport(to: string): void {
	mkdirSync(to, { recursive: true });
	copyFileSync(join(fixtures, stream, 'events.jsonl.gz'), join(to, 'recorded.gz'));
	writeFileSync(join(to, 'tetragon.log'), gunzipSync(readFileSync(join(to, 'recorded.gz'))));
}

const filesBelow = (path: string): string[] => readdirSync(path, { recursive: true, encoding: 'utf8' });

async function append(machine: Machine, name: string, topic: Topic): Promise<void> {
	const secret = (file: string): string => readFileSync(machine.path(name, `/run/affidavit/${file}`), 'utf8');
	const log = await openKafkaLog({
		brokers: [`127.0.0.1:${machine.ports.kafka}`],
		topicPrefix: 'affidavit.',
		appendTimeoutMs: 20_000,
		tls: { ca: secret('ca.pem'), cert: secret('kafka.crt'), key: secret('kafka.key') },
	});
	try {
		await log.append([
			{ topic, key: 'k', value: Buffer.from('x'), origin: { partition: 0, offset: 0, index: 0, stage: name } },
		]);
	} finally {
		await log.close();
	}
}

/** The first line of each answer to inline commands. */
function redisAnswers(machine: Machine, commands: readonly string[]): Promise<string[]> {
	const ca = readFileSync(machine.path('detect', '/run/affidavit/ca.pem'));
	return new Promise((resolve, reject) => {
		const socket = connect({ host: '127.0.0.1', port: machine.ports.redis, ca }, () =>
			socket.write(commands.map((command) => `${command}\r\n`).join('')),
		);
		let text = '';
		socket.once('error', reject);
		socket.setTimeout(10_000, () => socket.destroy(new Error(`only ${JSON.stringify(text)}`)));
		socket.on('data', (chunk) => {
			text += chunk.toString('latin1');
			const answers = text.split('\r\n').filter((line) => /^[+\-$:*]/.test(line));
			if (answers.length < commands.length) return;
			socket.destroy();
			resolve(answers);
		});
	});
}
