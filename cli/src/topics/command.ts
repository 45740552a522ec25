import type { Principal } from '@affidavit/stream/kafka/acl-plan.ts';
import type { KafkaConnection } from '@affidavit/stream/kafka/options.ts';
import type { TopicPlan } from '@affidavit/stream/kafka/topic-plan.ts';
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { exitNegative } from '../errors.ts';
import { collecting } from '../option-values.ts';
import { principalOption } from './principals.ts';

interface TopicsOptions extends CommonOptions {
	mend?: boolean;
	acls?: boolean;
	principal?: Principal[];
}

export function registerTopics(program: Command, context: CliContext): void {
	const topics = program.command('topics').description("the fleet's topics at Kafka, and who may do what with them");
	const common = (command: Command): Command =>
		commonOptions(command)
			.option('--mend', 'alter also settings that would lose data, where altering helps; else they are refused')
			.option(
				'--principal <role=name>',
				'Kafka principal of a role (default: User:ROLE); repeatable',
				collecting(principalOption),
			);

	common(topics.command('plan'))
		.description('say what apply would create and alter, and what it refuses and why')
		.option('--acls', 'also print the ACLs of Kafka and the users of Redis that the services need')
		.addHelpText(
			'after',
			`
Refused are settings that would lose data: other partitions (keys would change place), a retention shorter than longest session
+ grace + outage, deletion of keys, compaction of traces, unclean elections, times of the writer's own.
Exit code: 0 when nothing is refused, 1 when something is, 2 when the brokers are away or refuse, 78 for a wrong configuration.
${examples(
	'affidavit topics plan',
	'affidavit topics plan --json | jq .refuse',
	'affidavit topics plan --acls --principal agent=User:CN=build-7 --principal agent=User:CN=build-8',
)}`,
		)
		.action(async (options: TopicsOptions) => plan(options, context));

	common(topics.command('apply'))
		.description('create what is missing and alter what differs; nothing at all when something is refused')
		.option('--acls', "also add Kafka's ACLs (needs an administrator); the users of Redis are only printed by plan")
		.addHelpText(
			'after',
			`
May be repeated: what is there as it should be is left alone, and no ACL is ever removed.
Exit code: 0 when all is as planned, 1 when something is refused (nothing is changed then), 2 when the brokers are away or refuse.
${examples('affidavit topics apply', 'affidavit topics apply --mend --json', 'affidavit topics apply --acls')}`,
		)
		.action(async (options: TopicsOptions) => apply(options, context));
}

interface Opened {
	config: Config;
	connection: KafkaConnection;
	found: TopicPlan;
}

async function open(options: TopicsOptions, context: CliContext): Promise<Opened> {
	const { config } = await context.loadConfig(options);
	const { planTopics, wantedTopics } = await import('@affidavit/stream/kafka/topic-plan.ts');
	const { readTopics } = await import('@affidavit/stream/kafka/topics.ts');
	const { kafkaOptions } = await import('../service/connections.ts');
	const { fleetTopicsOf } = await import('./fleet-topics.ts');
	// What goes wrong here rejects; the client's own warnings (a topic that is not there yet) would only frighten.
	const connection = await kafkaOptions(config.kafka, 'topics', context.env, () => {});
	const fleet = fleetTopicsOf(config);
	const names = wantedTopics(fleet).map(({ name }) => name);
	const found = planTopics(fleet, await readTopics(connection, names), { mend: options.mend === true });
	return { config, connection, found };
}

async function plan(options: TopicsOptions, context: CliContext): Promise<void> {
	const { config, found } = await open(options, context);
	const { planJson, planText } = await import('./plan-text.ts');
	const acls = options.acls ? await aclsOf(options, config) : null;
	if (options.json) context.stdout.write(jsonLine({ ...planJson(found), ...(acls ? { acls } : {}) }));
	else {
		context.stdout.write(planText(found, false));
		if (acls) context.stdout.write((await import('./acl-text.ts')).aclText(acls));
	}
	if (found.refuse.length > 0) context.exit(exitNegative);
}

async function apply(options: TopicsOptions, context: CliContext): Promise<void> {
	const { config, connection, found } = await open(options, context);
	const { applyPlan } = await import('@affidavit/stream/kafka/topics.ts');
	const { planJson, planText } = await import('./plan-text.ts');
	const isRefused = found.refuse.length > 0;
	const acls = options.acls ? (await aclsOf(options, config)).kafka : [];
	if (!isRefused) {
		await applyPlan(connection, found);
		const { applyAcls } = await import('@affidavit/stream/kafka/acls.ts');
		await applyAcls(connection, acls);
	}
	if (options.json)
		context.stdout.write(
			jsonLine({ applied: !isRefused, ...planJson(found), ...(options.acls ? { acls: { kafka: acls } } : {}) }),
		);
	else {
		context.stdout.write(planText(found, !isRefused));
		if (!isRefused && acls.length > 0) context.stdout.write(`added   ${acls.length} ACLs\n`);
	}
	if (!isRefused) return;
	context.stderr.write('affidavit: nothing was changed\n');
	context.exit(exitNegative);
}

async function aclsOf({ principal }: TopicsOptions, config: Config) {
	const { fleetAcls, principalsOf } = await import('./principals.ts');
	return fleetAcls(principalsOf(principal ?? []), config);
}
