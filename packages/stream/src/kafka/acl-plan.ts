// Who may do what at the brokers (pure): for each principal what it needs and no more. Kafka cannot tell one key of a topic from
// another: that an agent writes in its own host's name only is the signature's to show (design 4.4).
import type { Topic } from '../ports.ts';
import { topics } from '../topics.ts';

export type PrincipalRole = 'agent' | 'correlate' | 'detect' | 'sign' | 'alert' | 'operator';

export interface Principal {
	role: PrincipalRole;
	/** As Kafka has it: `User:correlate`, `User:CN=build-7,O=fleet`. */
	name: string;
}

export type AclOperation = 'Read' | 'Write' | 'Create' | 'Describe' | 'DescribeConfigs' | 'AlterConfigs';

export interface AclBinding {
	principal: string;
	resource: 'topic' | 'group';
	name: string;
	/** Absent: any. */
	host?: string;
	operation: AclOperation;
}

interface Needs {
	/** Reading includes the tails of a stage's own outputs: it finds there how far it had come. */
	reads: readonly Topic[];
	writes: readonly Topic[];
	/** Stages whose groups it joins. */
	stages: readonly string[];
	/** Looks at the topics' settings before it starts. */
	checksTopics: boolean;
}

const needs: Readonly<Record<PrincipalRole, Needs>> = {
	agent: { reads: [], writes: ['trace', 'deadletter'], stages: [], checksTopics: false },
	correlate: {
		reads: ['trace', 'host', 'session', 'deadletter'],
		// Into `trace`: ticks for hosts that fell silent.
		writes: ['trace', 'session', 'deadletter'],
		stages: ['correlate'],
		checksTopics: true,
	},
	detect: {
		reads: ['trace', 'session', 'host', 'indicator', 'finding', 'verdict', 'deadletter'],
		writes: ['finding', 'verdict', 'deadletter'],
		stages: ['detect', 'trust'],
		checksTopics: true,
	},
	sign: {
		reads: ['trace', 'session', 'verdict', 'attestation', 'deadletter'],
		writes: ['attestation', 'deadletter'],
		stages: ['sign'],
		checksTopics: true,
	},
	alert: { reads: ['finding', 'deadletter'], writes: ['deadletter'], stages: ['alert'], checksTopics: true },
	operator: { reads: topics, writes: ['host', 'indicator'], stages: [], checksTopics: true },
};

/** Describe comes with Read and Write; an idempotent producer needs no more than Write since Kafka 3.0. */
export function planAcls(principals: readonly Principal[], fleet: { topicPrefix: string }): AclBinding[] {
	const bindings: AclBinding[] = [];
	for (const { role, name: principal } of principals) {
		const { reads, writes, stages, checksTopics } = needs[role];
		const add = (resource: 'topic' | 'group', name: string, operation: AclOperation): void => {
			bindings.push({ principal, resource, name: fleet.topicPrefix + name, operation });
		};
		for (const topic of topics) {
			const may = { read: reads.includes(topic), write: writes.includes(topic) };
			if (may.read) add('topic', topic, 'Read');
			if (may.write) add('topic', topic, 'Write');
			if (checksTopics && (may.read || may.write)) add('topic', topic, 'DescribeConfigs');
			if (role === 'operator') {
				add('topic', topic, 'Create');
				add('topic', topic, 'AlterConfigs');
			}
		}
		for (const stage of stages) add('group', stage, 'Read');
		if (role === 'operator')
			for (const stage of new Set(Object.values(needs).flatMap((n) => n.stages))) add('group', stage, 'Describe');
	}
	return bindings;
}

/** Arguments of Kafka's own kafka-acls.sh, after `--bootstrap-server HOST:PORT`. */
export function renderAcl({ principal, resource, name, host, operation }: AclBinding): string[] {
	return [
		'--add',
		'--allow-principal',
		principal,
		'--allow-host',
		host ?? '*',
		'--operation',
		operation,
		`--${resource}`,
		name,
		'--resource-pattern-type',
		'literal',
	];
}
