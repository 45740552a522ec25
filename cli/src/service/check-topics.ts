// A service does not start on topics that would lose what it writes.
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { planTopics, type TopicPlan } from '@affidavit/stream/kafka/topic-plan.ts';
import { readTopics } from '@affidavit/stream/kafka/topics.ts';
import type { Config } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import { fleetTopicsOf } from '../topics/fleet-topics.ts';
import { kafkaOptions } from './connections.ts';
import { outlast } from './outlast.ts';
import type { Environment } from './secrets.ts';
import { type ServiceName, services } from './services.ts';

export interface TopicsCheck {
	name: ServiceName;
	config: Config;
	env: Environment;
	emit: Emit;
}

/** False when the signal aborted first. Throws CliError('topics-unfit'). */
export async function checkTopics({ name, config, env, emit }: TopicsCheck, signal: AbortSignal): Promise<boolean> {
	const connection = await kafkaOptions(config.kafka, name, env, emit);
	const names = services[name].topics.map((topic) => config.kafka.topicPrefix + topic);
	try {
		const patience = { emit, signal, random: Math.random };
		const found = await outlast('kafka', () => readTopics(connection, names), patience);
		if (found === null) return false;
		const problems = problemsOf(planTopics(fleetTopicsOf(config), found), new Set(names));
		if (problems.length > 0)
			throw new CliError(
				'topics-unfit',
				`topics that this service needs are unfit (\`affidavit topics plan\` says more): ${problems.join('; ')}`,
			);
	} catch (error) {
		// A principal that may not read the settings works on topics that somebody else has checked.
		if (!(error instanceof StreamError && error.code === 'refused')) throw error;
		emit({
			name: 'topics_unchecked',
			stage: name,
			reason: 'refused',
			intentional: false,
			message: `the topics' settings could not be read: ${error.message}`,
		});
	}
	return true;
}

/** Settings that only differ (`alter`) do no harm: the plan tells of them. */
export function problemsOf({ create, refuse }: TopicPlan, names: ReadonlySet<string>): string[] {
	const missing = create.filter(({ name }) => names.has(name)).map(({ name }) => `${name} is not there`);
	const unfit = refuse
		.filter(({ name }) => names.has(name))
		.map(({ name, setting, found, expected, why }) => `${name}: ${setting} is ${found}, expected ${expected} (${why})`);
	return [...missing, ...unfit];
}
