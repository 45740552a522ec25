// ACLs as commands: for Kafka's own script, and for redis-cli.
import { renderAcl } from '@affidavit/stream/kafka/acl-plan.ts';
import { printable } from '../text/printable.ts';
import type { FleetAcls } from './principals.ts';

export function aclText({ kafka, redis }: FleetAcls): string {
	const lines = [
		'',
		'# Kafka: one command each; --command-config names an administrator',
		...kafka.map(
			(binding) => `kafka-acls.sh --bootstrap-server "$KAFKA_BROKERS" ${renderAcl(binding).map(quoted).join(' ')}`,
		),
		'',
		'# Redis: PASSWORD is to be replaced; ACL SAVE keeps them',
		...redis.map(
			({ name, rules }) => `redis-cli ACL SETUSER ${quoted(name)} on '>PASSWORD' ${rules.map(quoted).join(' ')}`,
		),
	];
	return `${lines.map(printable).join('\n')}\n`;
}

/** As a shell reads it. */
const quoted = (text: string): string =>
	/^[A-Za-z0-9_./:=@,+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
