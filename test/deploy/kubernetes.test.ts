// The chart and the manifests that it renders: values against their schema, commands, keys, variables, probes, rights.
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { defaultOpsPort } from '../../cli/src/service/run.ts';
import { serviceNames } from '../../cli/src/service/services.ts';
import { temporaryFolder } from '../e2e/affidavit.ts';
import { checkCommand, configOf } from './agreement.ts';
import { composeFolder } from './compose-file.ts';
import { goTool, helm, strictManifests } from './tools.ts';

const chart = join(composeFolder, 'helm/affidavit');
const manifests = join(composeFolder, 'kubernetes');
const read = (folder: string, file: string): string => readFileSync(join(folder, file), 'utf8');

interface EnvVar {
	name: string;
	value?: string;
	valueFrom?: unknown;
}

interface Container {
	image: string;
	args: string[];
	env: EnvVar[];
	ports?: { name: string; containerPort: number }[];
	livenessProbe?: { httpGet: { path: string; port: string } };
	readinessProbe?: { httpGet: { path: string; port: string } };
	securityContext: Record<string, unknown>;
	volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
}

interface Manifest {
	kind: string;
	metadata: { name: string };
	data?: Record<string, string>;
	spec?: {
		template?: {
			spec: {
				containers: Container[];
				securityContext: Record<string, unknown>;
				volumes: { name: string; secret?: { secretName: string }; hostPath?: { path: string } }[];
			};
		};
		podSelector?: unknown;
	};
}

function manifestsOf(file: string): Manifest[] {
	const documents = parseAllDocuments(read(manifests, file));
	for (const document of documents) assert.deepEqual(document.errors, [], file);
	return documents.map((document) => document.toJS()).filter((manifest) => manifest !== null);
}

const services = manifestsOf('services.yaml');
const agents = manifestsOf('agents.yaml');
const podsOf = (all: readonly Manifest[]) =>
	all.flatMap(({ kind, metadata, spec }) =>
		spec?.template === undefined ? [] : [{ kind, name: metadata.name, pod: spec.template.spec }],
	);

function configIn(all: readonly Manifest[], container: Container): ReturnType<typeof configOf> {
	const file = all.find(({ kind, data }) => kind === 'ConfigMap' && data?.['affidavit.yaml'] !== undefined);
	const env = Object.fromEntries(
		container.env.map(({ name, value }) => [name, (value ?? 'node-1').replace('$(NODE_ADDRESS)', '10.0.0.1')]),
	);
	return configOf(container.args.join(' '), file?.data?.['affidavit.yaml'] ?? '', env);
}

describe('kubernetes', () => {
	it('has default values that their schema takes, and a schema that refuses others', () => {
		const schema = z.fromJSONSchema(JSON.parse(read(chart, 'values.schema.json')));
		const values = parse(read(chart, 'values.yaml'));
		assert.deepEqual(schema.safeParse(values).error, undefined);
		assert.equal(schema.safeParse({ ...values, surprise: 1 }).success, false);
		assert.equal(schema.safeParse({ ...values, agent: { ...values.agent, source: 'kafka' } }).success, false);
	});

	it('says in the README what every value is', () => {
		const readme = read(chart, 'README.md');
		const keys = Object.keys(parse(read(chart, 'values.yaml')));
		for (const key of keys) assert.match(readme, new RegExp(`^\\| \`${key}`, 'm'), key);
	});

	it('runs commands that there are, with a configuration that the program takes', async () => {
		const pods = [...podsOf(services), ...podsOf(agents)];
		assert.equal(pods.length, 5);
		for (const { name, pod } of pods)
			for (const container of pod.containers) {
				await checkCommand(container.args);
				const all = name.endsWith('-agent') ? agents : services;
				const config = configIn(all, container);
				assert.equal(config.ops.port ?? defaultOpsPort, 9464);
				if (container.args[0] !== 'service') continue;
				assert.equal(config.redis.username, container.args[1]);
				assert.ok(container.env.some((v) => v.name === 'NODE_OPTIONS' && v.value === '--max-semi-space-size=64'));
			}
	});

	it('mounts what its configuration names, from secrets that the example has', () => {
		const examples = manifestsOf('secrets.example.yaml');
		for (const { name, pod } of podsOf(services))
			for (const container of pod.containers) {
				const config = configIn(services, container);
				const secret = pod.volumes.find((volume) => volume.secret)?.secret?.secretName;
				const example = examples.find(({ metadata }) => metadata.name === secret) as
					| { stringData: Record<string, string> }
					| undefined;
				const names = new Set(Object.keys(example?.stringData ?? {}));
				const { tls } = config.kafka;
				const files = [tls?.caFile, tls?.certFile, tls?.keyFile];
				if (container.args[0] === 'service') files.push(config.redis.passwordFile, config.service.keyFile ?? undefined);
				if (container.args[1] === 'sign') files.push(config.keyFile);
				for (const file of files) {
					assert.equal(dirname(file as string), '/run/affidavit', `${name}: ${file}`);
					if (example) assert.ok(names.has((file as string).slice('/run/affidavit/'.length)), `${secret}: ${file}`);
				}
				const mounted = container.volumeMounts.map(({ mountPath }) => mountPath);
				for (const folder of [config.dataDir, config.service.trustedDir])
					if (container.args[0] === 'service') assert.ok(mounted.includes(folder), `${name}: ${folder}`);
			}
	});

	it('asks the probes where the program answers', () => {
		for (const { kind, pod } of [...podsOf(services), ...podsOf(agents)]) {
			if (kind === 'Job') continue;
			for (const { ports, livenessProbe, readinessProbe } of pod.containers) {
				assert.deepEqual(ports, [{ name: 'ops', containerPort: defaultOpsPort }]);
				assert.deepEqual(livenessProbe?.httpGet, { path: '/healthz', port: 'ops' });
				assert.deepEqual(readinessProbe?.httpGet, { path: '/readyz', port: 'ops' });
			}
		}
	});

	it('gives no pod more rights than it needs', () => {
		for (const { name, pod } of [...podsOf(services), ...podsOf(agents)]) {
			const isAgent = name.endsWith('-agent');
			assert.equal(pod.securityContext.runAsNonRoot === true, !isAgent, name);
			assert.deepEqual(pod.securityContext.seccompProfile, { type: 'RuntimeDefault' });
			assert.equal(
				pod.volumes.some(({ hostPath }) => hostPath),
				isAgent,
				`${name}: folders of the node`,
			);
			for (const { securityContext, volumeMounts } of pod.containers) {
				assert.deepEqual(securityContext, {
					allowPrivilegeEscalation: false,
					readOnlyRootFilesystem: true,
					capabilities: { drop: ['ALL'] },
				});
				for (const { name: volume, readOnly } of volumeMounts)
					if (['config', 'secrets', 'trusted', 'tetragon'].includes(volume)) assert.equal(readOnly, true, volume);
			}
		}
		const policies = [...services, ...agents].filter(({ kind }) => kind === 'NetworkPolicy');
		assert.equal(policies.length, podsOf(services).length + podsOf(agents).length);
	});

	it('ships the manifests that the chart renders', (t) => {
		const tool = goTool(helm);
		if ('missing' in tool) return t.skip(tool.missing);
		const to = temporaryFolder(t);
		const env = { ...process.env, PATH: `${dirname(tool.file)}:${process.env.PATH}` };
		const { status, stderr } = spawnSync(join(manifests, 'render.sh'), [to], { env, encoding: 'utf8' });
		assert.equal(status, 0, stderr);
		for (const file of ['services.yaml', 'agents.yaml']) assert.equal(read(manifests, file), read(to, file), file);
	});

	it('passes helm lint, with everything switched on too', (t) => {
		const tool = goTool(helm);
		if ('missing' in tool) return t.skip(tool.missing);
		const all = serviceNames.map((name) => `services.${name}.enabled=true`);
		const more = [...all, 'webhook.url=https://siem.example.org', 'serviceMonitor.enabled=true', 'agent.source=grpc'];
		const sets: string[][] = [[], more];
		for (const set of sets) {
			const args = ['lint', '--strict', chart, ...set.flatMap((value) => ['--set', value])];
			const linted: SpawnSyncReturns<string> = spawnSync(tool.file, args, { encoding: 'utf8' });
			assert.equal(linted.status, 0, linted.stdout);
		}
		const { status, stderr } = spawnSync(tool.file, ['template', 'x', chart, '--set', 'services.alert.enabled=true'], {
			encoding: 'utf8',
		});
		assert.notEqual(status, 0);
		assert.match(stderr, /expected webhook\.url/);
	});

	it('is what an API server takes, field by field', (t) => {
		const tool = goTool(strictManifests);
		if ('missing' in tool) return t.skip(tool.missing);
		const check = (input: string): SpawnSyncReturns<string> => spawnSync(tool.file, [], { input, encoding: 'utf8' });
		for (const [file, kinds] of [
			['services.yaml', services.length],
			['agents.yaml', agents.length],
			['namespaces.yaml', 2],
			['secrets.example.yaml', 5],
		] as const) {
			const { status, stdout } = check(read(manifests, file));
			assert.equal(status, 0, `${file}: ${stdout}`);
			assert.equal(stdout.split('\n').filter((line) => line.startsWith('ok ')).length, kinds, stdout);
		}
		assert.equal(check('apiVersion: v1\nkind: Namespace\nmetadata: { name: x, nom: y }\n').status, 1);
	});
});
