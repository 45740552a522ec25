import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskConfig } from '../../src/config/mask.ts';
import { type ConfigResult, resolveConfig } from '../../src/config/resolve.ts';

const resolve = (text: string, env: Record<string, string> = {}): ConfigResult =>
	resolveConfig({
		flags: [],
		env,
		file: { name: 'affidavit.yaml', text, dir: '/etc/affidavit' },
		cwd: '/cwd',
		defaultDataDir: '/data',
	});

function resolved(text: string, env: Record<string, string> = {}) {
	const result = resolve(text, env);
	assert.equal(result.kind, 'ok', result.kind === 'error' ? result.problems.join('\n') : '');
	return (result as Extract<ConfigResult, { kind: 'ok' }>).config;
}

test('no fleet by default; what lies in the data folder is filled in', () => {
	const config = resolved('');
	assert.deepEqual(config.kafka.brokers, []);
	assert.equal(config.redis.url, null);
	assert.equal(config.agent.keyFile, '/data/keys/host.pem');
	assert.equal(config.service.keyFile, null);
	assert.equal(config.service.trustedDir, '/data/keys/trusted');
	assert.equal(config.service.blobsDir, '/data/blobs');
	assert.deepEqual(config.ops, { enabled: true, host: '127.0.0.1', port: null });
	assert.equal(config.tracing.enabled, false);
});

test('a whole fleet, paths counted from the file', () => {
	const config = resolved(`
kafka:
  brokers: [kafka-1:9093, "[2001:db8::1]:9093"]
  tls: {caFile: ca.pem, certFile: me.pem, keyFile: /etc/ssl/me.key, serverName: kafka}
  sasl: {mechanism: scram-sha-512, username: correlate, passwordFile: kafka.password}
  registry: {url: "https://registry:8081", caFile: ca.pem}
redis:
  sentinels: [s1:26379, s2:26379]
  masterName: mymaster
  username: correlate
  passwordEnv: REDIS_PASSWORD
  tls: {}
agent: {cpuShare: 0.5, host: build-7.example.org}
ops: {port: 0}
`);
	assert.deepEqual(config.kafka.tls, {
		enabled: true,
		caFile: '/etc/affidavit/ca.pem',
		certFile: '/etc/affidavit/me.pem',
		keyFile: '/etc/ssl/me.key',
		serverName: 'kafka',
	});
	assert.equal(config.kafka.sasl?.passwordFile, '/etc/affidavit/kafka.password');
	assert.equal(config.kafka.registry?.caFile, '/etc/affidavit/ca.pem');
	assert.deepEqual(config.redis.tls, { enabled: true });
	assert.equal(config.agent.cpuShare, 0.5);
});

test('the environment alone makes a fleet', () => {
	const config = resolved('', {
		AFFIDAVIT_KAFKA__BROKERS: 'a:9092,b:9092',
		AFFIDAVIT_KAFKA__TLS__ENABLED: 'true',
		AFFIDAVIT_KAFKA__SASL__MECHANISM: 'oauthbearer',
		AFFIDAVIT_KAFKA__SASL__TOKEN_FILE: '/run/token',
		AFFIDAVIT_REDIS__URL: 'rediss://redis:6379',
		AFFIDAVIT_AGENT__CPU_SHARE: '0.1',
	});
	assert.deepEqual(config.kafka.brokers, ['a:9092', 'b:9092']);
	assert.deepEqual(config.kafka.tls, { enabled: true });
	assert.equal(config.agent.cpuShare, 0.1);
});

const wrong: [string, string, RegExp][] = [
	['sasl without a password', 'kafka: {sasl: {mechanism: plain, username: u}}', /kafka\.sasl\.username .*passwordFile/],
	['sasl without a user', 'kafka: {sasl: {mechanism: plain, passwordEnv: P}}', /expected kafka\.sasl\.username/],
	['oauthbearer without a token', 'kafka: {sasl: {mechanism: oauthbearer}}', /kafka\.sasl\.tokenFile .*expected/],
	[
		'a password for oauthbearer',
		'kafka: {sasl: {mechanism: oauthbearer, tokenFile: t, passwordEnv: P}}',
		/kafka\.sasl\.passwordEnv .*expected nothing/,
	],
	[
		'two places of a password',
		'redis: {url: "redis://h", passwordFile: f, passwordEnv: P}',
		/at most one of redis\.passwordFile and redis\.passwordEnv/,
	],
	['a certificate without its key', 'kafka: {tls: {certFile: c}}', /kafka\.tls\.keyFile .*together/],
	['a key without its certificate', 'redis: {tls: {keyFile: c}}', /redis\.tls\.certFile .*together/],
	['a broker without a port', 'kafka: {brokers: [kafka]}', /kafka\.brokers.*HOST:PORT/],
	['a broker with a port beyond', 'kafka: {brokers: ["kafka:70000"]}', /HOST:PORT/],
	['a broker as URL', 'kafka: {brokers: ["kafka://h:9092"]}', /HOST:PORT/],
	['a password in the URL of Redis', 'redis: {url: "redis://:hunter2@h"}', /redis\.url .*expected no credentials/],
	['credentials in the registry', 'kafka: {registry: {url: "https://u:hunter2@h"}}', /expected no credentials/],
	['two kinds of Redis', 'redis: {url: "redis://h", cluster: ["h:1"]}', /at most one of redis\.url/],
	['sentinels without a name', 'redis: {sentinels: ["h:1"]}', /redis\.masterName .*together/],
	['a hash tag in the prefix', 'redis: {keyPrefix: "a{b}"}', /redis\.keyPrefix/],
	[
		'more replicas in sync than there may be',
		'kafka: {replicationFactor: 2, minInsyncReplicas: 2}',
		/kafka\.minInsyncReplicas .*expected less than kafka\.replicationFactor/,
	],
	['one replica, two in sync', 'kafka: {replicationFactor: 1}', /kafka\.minInsyncReplicas .*expected 1/],
	[
		'a trace retention that loses sessions',
		'kafka: {brokers: ["h:1"], traceRetentionMs: 86400000}',
		/kafka\.traceRetentionMs .*expected at least 129660000: sessionMaxMs \+ graceMs \+ kafka\.outageMsMax/,
	],
	[
		'a longest session beyond the retention',
		'kafka: {brokers: ["h:1"]}\nsessionMaxMs: 604800000',
		/kafka\.sessionRetentionMs/,
	],
	['silence that closes before it is noticed', 'silentMs: 60000\nsilentCloseMs: 60000', /silentCloseMs .*silentMs/],
	['TLS on a socket', 'source: {kind: grpc, address: "unix:///t.sock", tls: {}}', /source\.tls/],
	['an address of another kind', 'source: {kind: grpc, address: "http://h:1"}', /unix:\/\/\/PATH or tcp:/],
];
for (const [name, text, pattern] of wrong)
	test(`refused by key: ${name}`, () => {
		const result = resolve(text);
		const problems = result.kind === 'error' ? result.problems.join('\n') : '';
		assert.match(problems, pattern);
		assert.doesNotMatch(problems, /hunter2/);
	});

test('without brokers a retention matters to nobody', () => {
	assert.equal(resolved('kafka: {traceRetentionMs: 1000}').kafka.traceRetentionMs, 1000);
});

test('the query of a URL is masked where it is shown', () => {
	const config = resolved('tracing: {enabled: true, endpoint: "https://otlp.example/x?key=hunter2"}');
	assert.doesNotMatch(JSON.stringify(maskConfig(config)), /hunter2/);
});
