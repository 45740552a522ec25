// compose.yaml against the program and itself: commands, keys and variables, ports, files, volumes, networks, hardening.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { defaultOpsPort } from '../../cli/src/service/run.ts';
import { services as serviceRoles } from '../../cli/src/service/services.ts';
import { repoRoot } from '../e2e/affidavit.ts';
import { kafkaVersion } from '../servers/kafka.ts';
import { findTool } from '../servers/tools.ts';
import { checkCommand, configOf, scriptCommands } from './agreement.ts';
import {
	type ComposeService,
	composeFolder,
	interpolate,
	readCompose,
	readComposeText,
	startOrder,
} from './compose-file.ts';
import { composeConfig, goTool } from './tools.ts';

const { services, networks, volumes } = readCompose();
const read = (path: string): string => readFileSync(join(composeFolder, path), 'utf8');
const ofImage = (...images: string[]): [string, ComposeService][] =>
	Object.entries(services).filter(([, { image }]) => images.includes(image));
const processes = ofImage('affidavit:local');
const environment = (service: ComposeService): Record<string, string> =>
	Object.fromEntries(
		Object.entries(service.environment ?? {}).map(([key, value]) => [key, interpolate(String(value), {})]),
	);

describe('compose.yaml', () => {
	it('runs commands that there are', async () => {
		for (const [name, { command }] of processes) {
			assert.ok(command, name);
			await checkCommand(command);
		}
		const scripts = readdirSync(join(composeFolder, 'setup')).filter((file) => file.endsWith('.sh'));
		const commands = scripts.flatMap((file) => scriptCommands(read(`setup/${file}`)));
		assert.ok(commands.length >= 6, `${commands.length} commands in ${scripts}`);
		for (const command of commands) await checkCommand(command);
	});

	it('has the broker that the tests run against', () =>
		assert.equal(services.kafka?.image, `apache/kafka:${kafkaVersion}`));

	it('runs every service of the fleet, the judging ones twice', () => {
		for (const name of Object.keys(serviceRoles)) {
			const service = services[name] as ComposeService;
			assert.deepEqual(service.command, ['service', name]);
			assert.equal(service.environment?.AFFIDAVIT_REDIS__USERNAME, name);
			assert.equal(service.environment?.NODE_OPTIONS, '--max-semi-space-size=64', name);
			assert.equal(service.deploy?.replicas, name === 'alert' ? 1 : 2, name);
			assert.equal(service.stop_grace_period, '30s');
		}
	});

	it('configures what the schema knows, with secrets that are made', () => {
		const made = read('setup/secrets.sh');
		for (const [name, service] of [...processes, ...ofImage('affidavit-setup:local')]) {
			if (service.environment?.AFFIDAVIT_CONFIG === undefined) continue;
			const config = configOf(name, read('affidavit.yaml'), environment(service));
			assert.deepEqual(config.kafka.brokers, ['kafka:9092']);
			assert.equal(config.ops.port ?? defaultOpsPort, 9464);
			const files = [config.kafka.tls?.caFile, config.kafka.tls?.certFile, config.kafka.tls?.keyFile];
			for (const file of [...files, config.redis.passwordFile, config.webhook?.secretFile, config.service.keyFile])
				if (file)
					assert.match(made, new RegExp(file.replace('/run/affidavit/', '[/ "]').replace(/\.(crt|key)$/, '')), file);
		}
		assert.throws(
			() => configOf('wrong', read('affidavit.yaml'), { AFFIDAVIT_NO_SUCH_KEY: '1' }),
			/AFFIDAVIT_NO_SUCH_KEY/,
		);
	});

	it('mounts files that are there, and volumes and networks that are declared', () => {
		const used = new Set<string>();
		for (const [name, service] of Object.entries(services)) {
			for (const { type, source } of service.volumes ?? []) {
				if (type === 'bind' && !source?.includes('${'))
					assert.ok(existsSync(join(composeFolder, source as string)), `${name}: ${source}`);
				if (type === 'volume' && source !== undefined) {
					assert.ok(source in volumes, `${name}: volume ${source}`);
					used.add(source);
				}
			}
			for (const network of service.networks ?? []) assert.ok(network in networks, `${name}: network ${network}`);
		}
		assert.deepEqual(Object.keys(volumes).sort(), [...used].sort());
		for (const [, { build }] of processes) {
			assert.equal(build?.dockerfile, 'compose/Containerfile');
			assert.match(read('Containerfile'), new RegExp(`AS ${build?.target}\\b`));
		}
		for (const [, path] of read('Containerfile').matchAll(/^COPY (?!--from)(?:--\S+ )*(\S+)/gm))
			assert.ok(existsSync(join(repoRoot, path as string)), path);
	});

	it('gives each member its own secrets, and the way out to those who need one', () => {
		for (const [name, service] of Object.entries(services)) {
			const secrets = (service.volumes ?? []).flatMap(({ source, read_only }) =>
				source?.startsWith('secrets-') ? [{ source, read_only }] : [],
			);
			if (name !== 'secrets' && name !== 'principals' && name !== 'prometheus') assert.equal(secrets.length, 1, name);
			if (name in serviceRoles) assert.deepEqual(secrets, [{ source: `secrets-${name}`, read_only: true }]);
			const isOut = (service.networks ?? []).some((network) => networks[network]?.internal !== true);
			assert.equal(isOut, ['detect', 'alert', 'prometheus', 'grafana'].includes(name), `${name}: a way out`);
		}
		for (const { ports } of Object.values(services))
			for (const port of ports ?? []) assert.match(port, /^127\.0\.0\.1:/);
	});

	it('hardens every container', () => {
		for (const [name, service] of Object.entries(services)) {
			assert.deepEqual(service.cap_drop, ['ALL'], name);
			assert.equal(service.read_only, true, name);
			assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
			if (!service.image.startsWith('affidavit-setup')) assert.ok(service.deploy?.resources?.limits?.memory, name);
			assert.doesNotMatch(service.image, /:latest$|^[^:]+$/, `${name}: a version`);
		}
		assert.match(read('Containerfile'), /^USER 10001:10001$/m);
		// Docker mounts them noexec: the broker could not load its codec, and would refuse every batch.
		assert.match(services.kafka?.tmpfs?.[0] ?? '', /^\/tmp:.*\bexec\b/);
	});

	it('starts what each waits for first', () => {
		const order = startOrder(services);
		for (const [before, then] of [
			['secrets', 'kafka'],
			['kafka', 'principals'],
			['principals', 'redis'],
			['redis', 'correlate'],
			['enroll', 'agent'],
		] as const)
			assert.ok(order.indexOf(before) < order.indexOf(then), `${before} before ${then}`);
	});

	it('asks /healthz, which the program serves', () => {
		const server = readFileSync(join(repoRoot, 'cli/src/ops/server.ts'), 'utf8');
		const [, port, path] = /http:\/\/127\.0\.0\.1:(\d+)(\/[a-z]+)/.exec(read('Containerfile')) ?? [];
		assert.equal(Number(port), defaultOpsPort);
		assert.ok(server.includes(`app.get('${path}'`), path);
	});

	it('scrapes every service under the names that the alert rules have', () => {
		const { scrape_configs: jobs, rule_files: rules } = parse(read('observe/prometheus.yaml'));
		assert.deepEqual(
			jobs.map((job: { job_name: string }) => job.job_name).sort(),
			[...Object.keys(serviceRoles), 'agent'].map((name) => `affidavit-${name}`).sort(),
		);
		for (const { dns_sd_configs: found } of jobs) {
			assert.ok(found[0].names[0] in services);
			assert.equal(found[0].port, defaultOpsPort);
		}
		assert.deepEqual(rules, ['alerts.yaml']);
		for (const file of ['observe/datasource.yaml', 'observe/dashboards.yaml', 'prometheus/alerts.yaml'])
			for (const document of parseAllDocuments(read(file))) assert.deepEqual(document.errors, [], file);
	});

	it('is what Compose itself reads', (t) => {
		const tool = goTool(composeConfig);
		if ('missing' in tool) return t.skip(tool.missing);
		const { status, stdout, stderr } = spawnSync(tool.file, ['-format', 'json', join(composeFolder, 'compose.yaml')], {
			encoding: 'utf8',
			env: { ...process.env, COMPOSE_PROFILES: '*' },
		});
		assert.equal(status, 0, stdout + stderr);
		assert.match(readComposeText(), /^name: affidavit$/m);
		assert.equal(JSON.parse(stdout).name, 'affidavit');
	});

	it('has a Prometheus configuration that promtool takes', (t) => {
		const promtool = findTool('promtool');
		if (promtool === null) return t.skip('no promtool on the PATH');
		const { status, stdout, stderr } = spawnSync(
			promtool,
			['check', 'config', '--syntax-only', join(composeFolder, 'observe/prometheus.yaml')],
			{ encoding: 'utf8' },
		);
		assert.equal(status, 0, stdout + stderr);
	});
});
