// The units: directives that systemd knows, commands and variables that the program knows, secrets that each other's files agree on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { serviceNames } from '../../cli/src/service/services.ts';
import { temporaryFolder } from '../e2e/affidavit.ts';
import { findTool } from '../servers/tools.ts';
import { checkCommand, configOf } from './agreement.ts';
import { composeFolder } from './compose-file.ts';

const folder = join(composeFolder, 'systemd');
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
/** What `systemd-analyze security` may say at most; 9.6 is a unit without any hardening. */
const exposureMax = 2;

interface Entry {
	section: string;
	key: string;
	value: string;
}

function entriesOf(text: string): Entry[] {
	const entries: Entry[] = [];
	let section = '';
	for (const line of text.split('\n')) {
		if (line === '' || line.startsWith('#')) continue;
		const header = /^\[(\w+)\]$/.exec(line)?.[1];
		const equals = line.indexOf('=');
		if (header !== undefined) section = header;
		else if (equals > 0) entries.push({ section, key: line.slice(0, equals), value: line.slice(equals + 1) });
		else assert.fail(`no directive: ${line}`);
	}
	return entries;
}

const valuesOf = (entries: readonly Entry[], key: string): string[] =>
	entries.filter((entry) => entry.key === key).map(({ value }) => value);

/** What the process sees, with the specifiers as systemd fills them in. */
function environmentOf(entries: readonly Entry[], instance: string, file: string): Record<string, string> {
	const pairs = valuesOf(entries, 'Environment');
	for (const line of read(file).split('\n')) if (line !== '' && !line.startsWith('#')) pairs.push(line);
	const filled = pairs.map((pair) =>
		pair.replaceAll('%i', instance).replaceAll('%d', '/run/credentials/x').replaceAll('%S', '/var/lib'),
	);
	return Object.fromEntries(
		filled.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
	);
}

function unitOf(service: string): Entry[] {
	const dropIns = readdirSync(folder).filter((name) => name === `affidavit-service@${service}.service.d`);
	const files = dropIns.flatMap((name) => readdirSync(join(folder, name)).map((file) => join(name, file)));
	return ['affidavit-service@.service', ...files].flatMap((file) => entriesOf(read(file)));
}

/** Each credential that the environment names is one that is loaded. */
function checkCredentials(entries: readonly Entry[], environment: Readonly<Record<string, string>>): void {
	const loaded = new Set(valuesOf(entries, 'LoadCredential').map((value) => value.slice(0, value.indexOf(':'))));
	const named = Object.values(environment).filter((value) => value.startsWith('/run/credentials/x/'));
	assert.deepEqual(new Set(named.map((value) => value.slice('/run/credentials/x/'.length))), loaded);
}

describe('systemd units', () => {
	for (const service of serviceNames)
		it(`${service}: command, configuration, credentials`, async () => {
			const entries = unitOf(service);
			const [start] = valuesOf(entries, 'ExecStart');
			assert.equal(start, '/usr/local/bin/affidavit service %i');
			await checkCommand(['service', service]);
			const environment = environmentOf(entries, service, `${service}.env`);
			assert.equal(environment.NODE_OPTIONS, '--max-semi-space-size=64');
			const config = configOf(service, read('services.yaml'), environment);
			assert.equal(config.redis.username, service);
			assert.equal(config.webhook !== null, service === 'alert');
			assert.equal(config.keyFile.startsWith('/run/credentials/'), service === 'sign');
			checkCredentials(entries, environment);
			assert.ok(valuesOf(entries, 'StateDirectory')[0]?.split(' ').includes('affidavit/blobs'));
		});

	it('the agent: command, configuration, credentials', async () => {
		const entries = entriesOf(read('affidavit-agent.service'));
		assert.deepEqual(valuesOf(entries, 'ExecStart'), ['/usr/local/bin/affidavit agent']);
		await checkCommand(['agent']);
		const environment = environmentOf(entries, '', 'agent.env');
		const config = configOf('agent', read('agent.yaml'), environment);
		assert.equal(config.source?.kind, 'export');
		assert.ok(
			config.agent.keyFile.startsWith('/var/lib/affidavit-agent/keys/'),
			'its key is made on the host and stays there',
		);
		checkCredentials(entries, environment);
		const stopMs = Number(valuesOf(entries, 'TimeoutStopSec')[0]) * 1000;
		assert.ok(stopMs > config.agent.drainMsMax);
	});

	it('give each process a port of its own on one machine', () => {
		const ports = ['agent', ...serviceNames].map(
			(name) => /^AFFIDAVIT_OPS__PORT=(\d+)$/m.exec(read(`${name}.env`))?.[1],
		);
		assert.equal(new Set(ports).size, serviceNames.length + 1, ports.join());
	});

	it('are taken by systemd, and expose little', (t) => {
		const analyze = findTool('systemd-analyze');
		if (analyze === null) return t.skip('no systemd-analyze on the PATH');
		const to = temporaryFolder(t);
		cpSync(folder, to, { recursive: true });
		// The program is not installed on the machine of the test.
		for (const unit of ['affidavit-agent.service', 'affidavit-service@.service'])
			writeFileSync(join(to, unit), read(unit).replaceAll('/usr/local/bin/affidavit', '/bin/true'));
		const units = ['affidavit-agent.service'];
		for (const service of serviceNames) {
			const unit = `affidavit-service@${service}.service`;
			copyFileSync(join(to, 'affidavit-service@.service'), join(to, unit));
			units.push(unit);
		}
		const run = (...args: string[]) => spawnSync(analyze, args, { cwd: to, encoding: 'utf8' });
		const verified = run('verify', '--man=no', ...units.map((unit) => `./${unit}`));
		assert.equal(verified.status, 0, verified.stderr);
		assert.equal(verified.stderr, '');
		for (const unit of units) {
			const { stdout } = run('security', '--offline=true', `./${unit}`);
			const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
			assert.ok(exposure <= exposureMax, `${unit}: ${exposure}`);
		}
	});
});
