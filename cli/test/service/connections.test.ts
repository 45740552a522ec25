import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { resolveOptions } from '@affidavit/stream/kafka/options.ts';
import { redisSettings } from '@affidavit/stream/redis/options.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { Config } from '../../src/config/schema.ts';
import { CliError } from '../../src/errors.ts';
import { kafkaOptions, redisOptions } from '../../src/service/connections.ts';
import { temporaryFolder } from '../run-cli.ts';

const { emit } = collectingEmit();

function configOf(text: string, dir = '/'): Config {
	const result = resolveConfig({
		flags: [],
		env: {},
		file: { name: 'affidavit.yaml', text, dir },
		cwd: '/',
		defaultDataDir: '/data',
	});
	assert.equal(result.kind, 'ok', result.kind === 'error' ? result.problems.join('\n') : '');
	return (result as Extract<typeof result, { kind: 'ok' }>).config;
}

const refused = (pattern: RegExp) => (error: unknown) =>
	error instanceof CliError && error.code === 'config' && pattern.test(error.message) && !/hunter2/.test(error.message);

test('the defaults of the configuration are options that the adapters take', async () => {
	const kafka = await kafkaOptions(configOf('kafka: {brokers: ["k:9092"]}').kafka, 'sign', {}, emit);
	assert.equal(resolveOptions(kafka).clientId, 'affidavit-sign');
	for (const text of ['url: "redis://h:1/2"', 'sentinels: ["[::1]:5"], masterName: m', 'cluster: ["a:1","b:2"]']) {
		const settings = redisSettings(await redisOptions(configOf(`redis: {${text}}`).redis, {}, emit));
		assert.match(settings.nonce, /^[0-9a-f]{32}$/);
		if (settings.place.kind === 'sentinel') assert.deepEqual(settings.place.sentinels, [{ host: '::1', port: 5 }]);
		if (settings.place.kind === 'cluster') assert.deepEqual(settings.place.nodes[1], { host: 'b', port: 2 });
	}
});

test('secrets come from files and variables; what is missing is said without them', async (t) => {
	const dir = temporaryFolder(t);
	writeFileSync(join(dir, 'password'), 'hunter2\n');
	writeFileSync(join(dir, 'token'), 'first');
	writeFileSync(join(dir, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n');
	writeFileSync(join(dir, 'two'), 'hunter2\nhunter2\n');
	const kafka = (text: string, env = {}) =>
		kafkaOptions(configOf(`kafka: {brokers: ["k:1"], ${text}}`, dir).kafka, 'x', env, emit);
	const redis = (text: string, env = {}) =>
		redisOptions(configOf(`redis: {url: "redis://h", ${text}}`, dir).redis, env, emit);

	const scram = await kafka(
		'sasl: {mechanism: scram-sha-256, username: u, passwordFile: password}, tls: {caFile: ca.pem}',
	);
	assert.deepEqual(scram.sasl, { mechanism: 'scram-sha-256', username: 'u', password: 'hunter2' });
	assert.deepEqual(scram.tls, { ca: '-----BEGIN CERTIFICATE-----\n' });
	assert.equal((await redis('passwordEnv: P', { P: 'hunter2' })).password, 'hunter2');
	assert.equal((await redis('tls: {enabled: false, caFile: absent}')).tls, undefined);

	const oauth = await kafka('sasl: {mechanism: oauthbearer, tokenFile: token}');
	assert.ok(oauth.sasl?.mechanism === 'oauthbearer');
	assert.equal(await oauth.sasl.token(), 'first');
	writeFileSync(join(dir, 'token'), 'renewed\n');
	assert.equal(await oauth.sasl.token(), 'renewed');

	await assert.rejects(redis('passwordEnv: P'), refused(/redis\.passwordEnv: environment variable P is not set/));
	await assert.rejects(redis('passwordFile: absent'), refused(/redis\.passwordFile: cannot read .*no such file/));
	await assert.rejects(redis('passwordFile: two'), refused(/expected one line/));
	await assert.rejects(kafka('tls: {caFile: password}'), refused(/kafka\.tls\.caFile: .*expected PEM/));
	await assert.rejects(kafka('sasl: {mechanism: oauthbearer, tokenFile: absent}'), refused(/kafka\.sasl\.tokenFile/));
});

test('a command of the fleet without a fleet says which key is missing', async () => {
	const config = configOf('');
	await assert.rejects(kafkaOptions(config.kafka, 'x', {}, emit), refused(/^kafka\.brokers/));
	await assert.rejects(
		redisOptions(config.redis, {}, emit),
		refused(/^redis\.url, redis\.sentinels or redis\.cluster/),
	);
});
